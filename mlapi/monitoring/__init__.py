"""Monitoring of the server: its metrics for Prometheus, and its readiness.

`counters` are of web processes, `state` is of the database, `exposition` has the text of both;
`readiness` is of `/ready`. Imports models and plain modules of the registry.
"""
