"""Boxes around the objects of images, learned from the boxes that annotators drew."""
