"""Detection by a YOLO network of ultralytics, whose licence (AGPL-3.0) must have been accepted.

`licence` says whether it was, `engine` whether the engine can be used; neither imports torch.
`network` builds the layers by the package's code, `training` learns from the first weight on,
`detector` is what was learned. Nothing is downloaded, and no other engine imports this package.
"""
