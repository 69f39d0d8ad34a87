"""Extractors: what makes an image a vector of features. Imports domain only."""
