"""What every classifier shares, whatever it reads: race, calibration, verdict, predictor.

Imports eva, evaluation and run_folder, and no pipeline.
"""
