"""One process of a server encodes texts for all its others: one model in memory, not one in each.

`process` is what runs in it, `client` how the others call it, `messages` what they exchange.
Imports vectors and refs of its own package and eva, and no pipeline. Who calls never imports
onnxruntime, so that it may fork.
"""
