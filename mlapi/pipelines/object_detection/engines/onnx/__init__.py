"""Detection by a YOLO network in an ONNX file of the operator's, which is not trained.

`model_file` reads what the file says of itself, `detector` runs it by OpenCV, `engine` is what the
pipeline knows. An ONNX file is data: no code of it is run.
"""
