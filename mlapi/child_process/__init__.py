"""Programs in a process of their own: the work folder, the limits, and what each sets for itself.

`folder` and `supervise` are the parent's side, `error_file` the child's, `processes` the child's
and the supervisor's.
`warm_process` is the parent's side of a process that forks programs, `forking` its inside.
Imports run_folder. Imported by conversion, training and evals_backend.
"""
