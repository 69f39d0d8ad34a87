"""What every classifier shares, whatever it reads: race, calibration, verdict, predictor."""
