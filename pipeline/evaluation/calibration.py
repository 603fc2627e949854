"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599), and other shares of the labels than in training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pipeline.labels import LABEL_IDS, LABELS


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


NEWS_SHARES = {"accusation": 0.20, "denial": 0.09, "neutral": 0.71}
"""Usual shares of the labels in news articles: the middles of 15 to 25 % accusation and 6 to 12 % denial."""


def news_shift(labels: Sequence[str]) -> tuple[float, ...]:
    """What to add to the logits of a model trained on ``labels`` so that it expects :data:`NEWS_SHARES`.

    Source: Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori
    probabilities", equation 2.4.
    """
    return tuple(float(np.log(NEWS_SHARES[name] * len(labels) / max(1, labels.count(name)))) for name in LABELS)
