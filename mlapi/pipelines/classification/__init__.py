"""What every classifier shares: model selection, calibration, evaluation, predictor.

Imports eva, evaluation and run_folder, and no pipeline.
"""
