"""The folder of a training run as the child process sees it: job, progress, environment.

Imports domain only. Imported by the pipelines and by training.
"""
