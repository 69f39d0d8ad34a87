"""Files that tasks name: which may be fetched, fetching and keeping them in bounds.

`reader` is the way in; `labelstudio` gets the files that Label Studio serves. Imports labelstudio
and domain.
"""
