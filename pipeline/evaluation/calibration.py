"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pipeline.labels import LABEL_IDS


def fit_temperature(logits: NDArray[np.float64], labels: Sequence[str]) -> float:
    """Temperature in [0.25, 8] that minimises the log loss of ``logits`` (n, 3) on held-out ``labels``."""
    true = np.array([LABEL_IDS[label] for label in labels], dtype=int)
    if not len(true):
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_probabilities = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-log_probabilities[np.arange(len(true)), true].mean())

    best = minimize_scalar(loss, bounds=(np.log(0.25), np.log(8.0)), method="bounded")
    return float(np.exp(best.x))
