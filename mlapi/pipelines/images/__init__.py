"""The addresses, options and features of pictures, shared by the pipelines of pictures.

Imports images and labelstudio, and no pipeline.
"""
