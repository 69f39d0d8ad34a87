"""What the pipelines of images share: matching, options, and the base class `ImagePipeline`.

Imports images and labelstudio, and no pipeline.
"""
