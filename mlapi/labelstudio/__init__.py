"""The only place that knows Label Studio's JSON: its API, events, label config and regions.

Imports domain, and of the registry its models. What uses pipelines as well is in mirror.
"""
