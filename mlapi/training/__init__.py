"""A project's training: when (policy), on what (dataset), and the run from claim to version.

The parent process writes a run folder, starts the child (`child.py`) and registers what it
left. Imports conversion, mirror, serving, pipelines and all below. Imported by jobs,
engine and commands.
"""
