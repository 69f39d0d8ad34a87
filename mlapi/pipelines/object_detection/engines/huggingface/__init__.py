"""Detection by a model of transformers, which the option `engine` names as `hf:<name or folder>`.

`model_files` says whether it can be used here and finds its files, without torch; `engine` is what
the pipeline knows, and loads it once in a process; `detector` runs it. Its weights stay where they
are: a version has their hash.
"""
