"""Fetches the files that tasks name, within limits of address, time and size, and caches them.

`reader` is the entry point; `labelstudio` requests the files that Label Studio serves. Imports
labelstudio and domain.
"""
