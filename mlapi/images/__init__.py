"""Images that tasks name: decoding, feature vectors and where they are stored, search, thumbnails.

`extractors` make vectors; `online` has them for what serves, `preparation` brings them to a
training's folder, where `extraction` makes those that are missing. Imports eva, media, run_folder,
labelstudio and domain, and no pipeline.
"""
