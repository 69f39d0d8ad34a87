"""Extractors: what makes a picture a vector of features. Imports domain only."""
