"""Programs in a process of their own: the work folder, the limits, and what each sets for itself.

`folder` and `supervise` are the parent's side, `setup` the child's. Imports run_folder
and processes. Imported by conversion and training.
"""
