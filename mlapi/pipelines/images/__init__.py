"""The addresses, options and features of images, shared by the pipelines of images.

Imports images and labelstudio, and no pipeline.
"""
