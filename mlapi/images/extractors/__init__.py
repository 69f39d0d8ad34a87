"""Extractors: what makes an image a vector of features.

Imports domain, huggingface_files and images.features only.
"""
