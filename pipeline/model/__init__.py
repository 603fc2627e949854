"""From statements to probabilities: encoders, inputs, the classifier, the baselines."""
