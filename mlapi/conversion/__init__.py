"""Converts stored artifacts of format 1, which are pickles, to today's format.

`converting` is the parent's side; `child` is the program that it starts, and the only one that
imports `format_1`, which unpickles. The child has no database and no secrets, and the
artifact's hash is checked by both, by the child on the very bytes that it unpickles.
"""
