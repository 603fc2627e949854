"""Pure functions of labels and probabilities: metrics, calibration, figures."""
