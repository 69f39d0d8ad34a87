"""What those read who watch the server: Prometheus' metrics, and whether it is ready.

`counters` are of web processes. `exposition` adds what is in the database. `readiness` is of
`/ready`. Imports models and plain modules of the registry.
"""
