"""Detection by a small convolutional network on EfficientNet-Lite0, which needs the vision extra.

`engine` says whether it can be used and imports no torch; `weights` finds the backbone's file;
`network` has the layers, `losses` what is minimised, `training` the epochs, `detector` what was
learned.
"""

STRIDE = 8  # pixels of the input between two places at which the network looks for objects
