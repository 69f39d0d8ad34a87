"""What the pipelines of pictures share: their addresses, options, and seeing them in a training."""
