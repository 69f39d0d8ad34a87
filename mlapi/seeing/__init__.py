"""Seeing: what makes a picture a vector of features."""
