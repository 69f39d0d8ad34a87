"""The one door for every change: each act locks what it changes and is recorded with it."""
