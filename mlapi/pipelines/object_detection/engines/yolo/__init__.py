"""Detection by a YOLO network of ultralytics, whose licence (AGPL-3.0) must have been accepted.

`engine` says whether it was, and whether the engine can be used; it imports no torch.
`definition` and `model_file` check what an operator's files hold, `network` builds the layers by
the package's code, `training` learns from random or given weights, `detector` is what was learned.
`pickle_file` is the program that converts a checkpoint which is a pickle. Nothing is downloaded,
and no other engine imports this package.
"""
