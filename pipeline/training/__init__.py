"""The recipe that fits one model, and experiments that compare several."""
