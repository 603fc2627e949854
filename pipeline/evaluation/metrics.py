"""Metrics of a three-label classifier from labels and probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_fscore_support

from pipeline.labels import LABEL_IDS, LABELS


def evaluate(labels: Sequence[str], probabilities: NDArray[np.float64]) -> dict[str, Any]:
    """All test metrics.

    Args:
        labels: True label names, n.
        probabilities: Float array (n, 3) in label order.

    Returns:
        ``n``, ``accuracy``, ``macro_f1`` (mean F1 of the three labels; a label that neither occurs nor is predicted
        counts 0), ``per_class`` (precision, recall, F1, average precision, counts), ``confusion`` (rows true, columns
        predicted), ``log_loss``, ``calibration_error`` and ``collapsed`` (one label predicted for all of ten or more).
    """
    true = np.array([LABEL_IDS[label] for label in labels], dtype=int)
    predicted = probabilities.argmax(axis=1)
    ids = list(range(len(LABELS)))
    precision, recall, f1, support = precision_recall_fscore_support(true, predicted, labels=ids, zero_division=0)
    per_class = {}
    for i, label in enumerate(LABELS):
        positives = true == i
        per_class[label] = {
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "average_precision": float(average_precision_score(positives, probabilities[:, i]))
            if positives.any()
            else 0.0,
            "support": int(support[i]),
            "predicted": int((predicted == i).sum()),
        }
    chosen = np.clip(probabilities[np.arange(len(true)), true], 1e-12, 1)
    return {
        "n": len(true),
        "accuracy": float((true == predicted).mean()),
        "macro_f1": float(f1.mean()),
        "per_class": per_class,
        "confusion": confusion_matrix(true, predicted, labels=ids).tolist(),
        "log_loss": float(-np.log(chosen).mean()),
        "calibration_error": calibration_error(true, probabilities),
        "collapsed": bool(len(true) >= 10 and len(set(predicted.tolist())) == 1),
    }


def macro_f1(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Mean F1 of the three labels, from label ids."""
    ids = list(range(len(LABELS)))
    return float(precision_recall_fscore_support(true, predicted, labels=ids, zero_division=0)[2].mean())


def calibration_error(true: NDArray[np.int64], probabilities: NDArray[np.float64], bins: int = 10) -> float:
    """Expected calibration error of the top label (Guo et al. 2017, arXiv:1706.04599), equal-width bins."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == true
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[which == b].mean() - confidence[which == b].mean()) * (which == b).mean()
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps))


def by_slice(
    labels: Sequence[str], probabilities: NDArray[np.float64], slices: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Size, macro-F1 and accuracy for each value of ``slices``, largest first."""
    true = np.array([LABEL_IDS[label] for label in labels], dtype=int)
    predicted = probabilities.argmax(axis=1)
    values, counts = np.unique(np.array(slices), return_counts=True)
    result = {}
    for value in values[np.argsort(-counts, kind="stable")]:
        rows = np.array(slices) == value
        result[str(value)] = {
            "n": int(rows.sum()),
            "macro_f1": macro_f1(true[rows], predicted[rows]),
            "accuracy": float((true[rows] == predicted[rows]).mean()),
        }
    return result


def all_right(labels: Sequence[str], probabilities: NDArray[np.float64], groups: Sequence[str]) -> float:
    """Share of groups (minimal pairs of a contrast set) in which every statement is labelled right.

    Source: Gardner et al. 2020, "Evaluating Models' Local Decision Boundaries via Contrast Sets", arXiv:2004.02709.
    """
    true = np.array([LABEL_IDS[label] for label in labels], dtype=int)
    right: dict[str, bool] = {}
    for group, ok in zip(groups, probabilities.argmax(axis=1) == true, strict=True):
        right[group] = right.get(group, True) and bool(ok)
    return sum(right.values()) / len(right)


def interval(
    labels: Sequence[str], probabilities: NDArray[np.float64], groups: Sequence[str], samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of macro-F1 by resampling groups (articles or events), for statements of one article are alike."""
    true = np.array([LABEL_IDS[label] for label in labels], dtype=int)
    predicted = probabilities.argmax(axis=1)
    members: dict[str, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    pools = [np.array(rows) for rows in members.values()]
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(samples):
        rows = np.concatenate([pools[i] for i in rng.integers(len(pools), size=len(pools))])
        scores.append(_fast_macro_f1(true[rows], predicted[rows]))
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def _fast_macro_f1(true: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    counts = np.bincount(true * 3 + predicted, minlength=9).reshape(3, 3)
    denominator = counts.sum(0) + counts.sum(1)
    return float((2 * counts.diagonal() / np.maximum(denominator, 1)).mean())


def flat(metrics: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """The scalar metrics of :func:`evaluate` under names such as ``test.denial.f1``."""
    values = {
        f"{prefix}.{name}": float(metrics[name]) for name in ("macro_f1", "accuracy", "log_loss", "calibration_error")
    }
    for label, scores in metrics["per_class"].items():
        values |= {f"{prefix}.{label}.{name}": float(scores[name]) for name in ("precision", "recall", "f1")}
    return values
