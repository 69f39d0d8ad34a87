"""What a run's parent and child process exchange: job, result, error, progress.

Imports domain only. Imported by child_process, conversion, evaluation, images, pipelines, texts
and training.
"""
