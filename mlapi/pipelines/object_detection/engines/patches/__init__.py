"""Detection without a neural backbone: templates propose windows, a small network scores them.

`channels` has the features of pixels, `proposals` the sliding windows, `head` what scores and
moves a window, `engine` the training, `detector` what was learned.
"""
