"""Converts pickles: stored artifacts of format 1 to today's format.

`converting` is the parent's side; `child` is the program that it starts, and the only one that
imports `format_1`, which unpickles. The child has no database and no secrets, and the
artifact's hash is checked by both, by the child on the very bytes that it unpickles.

`yolo_checkpoint` and `yolo_child` do the same with a checkpoint of an operator's, which is a pickle
too: they make files of the folder of models of it.
"""
