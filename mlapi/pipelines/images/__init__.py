"""The addresses, options and features of pictures, shared by the pipelines of pictures.

Imports eva, media and seeing, and no pipeline.
"""
