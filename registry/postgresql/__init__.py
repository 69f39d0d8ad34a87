"""Django's backend for PostgreSQL, with a health check that costs no round trip, and deadlines."""
