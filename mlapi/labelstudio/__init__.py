"""The only place that knows Label Studio's JSON: its API, its events, its label config, its regions."""
