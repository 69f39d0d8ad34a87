"""Reports: the registry's queries for the admin, REST and the command line.

Each report is a plain function that returns dataclasses. Its docstring says how many queries
it takes, and that number does not grow with the rows. Imports models, the registry's
plain modules, queue and engine, and no actions.
"""
