"""What those read who watch the server: Prometheus' metrics, and whether it is ready.

`counters` are of web processes, `state` is of the database, `exposition` has the text of both;
`readiness` is of `/ready`. Imports models and plain modules of the registry.
"""
