"""Limits that no backend can pass: an empty application, the bare estimator, a bare server."""
