"""Texts as vectors: sentence encoders, and where the vectors of a project's texts are stored.

`encoders` make vectors. Imports images, eva, run_folder and domain, and no pipeline. What runs a
model (onnxruntime, tokenizers) may not be installed, and is imported by the first encoder that is
loaded: a process that has done so must not fork.
"""
