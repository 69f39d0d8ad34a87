"""The only place that knows Label Studio's JSON: its API, events, label config and regions."""
