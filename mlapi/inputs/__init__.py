"""What is read of tasks: `text`. Imports images, labelstudio and domain, and no pipeline."""
