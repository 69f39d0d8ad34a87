"""Label Studio's JSON, which no other package knows: its API, events, label config and regions.

Imports domain and the registry's models. Code that also uses pipelines is in mirror.
"""
