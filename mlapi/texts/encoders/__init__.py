"""Sentence encoders: their files, and the option `encoder` that names one."""
