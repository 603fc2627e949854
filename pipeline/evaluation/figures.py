"""Figures of one evaluation, as PNG files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from pipeline.labels import LABELS, Stance

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def confusion(metrics: dict[str, Any], path: Path, title: str) -> None:
    """Confusion matrix with counts and row shares; rows are true labels."""
    counts = np.array(metrics["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(5, 4.4), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i in range(len(LABELS)):
        for j in range(len(LABELS)):
            colour = "white" if shares[i, j] > 0.55 else "black"
            axes.text(j, i, f"{counts[i, j]}\n{shares[i, j]:.0%}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{title}\nmacro-F1 {metrics['macro_f1']:.3f}, n = {metrics['n']}", fontsize=10)
    _save(figure, path)


def precision_recall(labels: Sequence[str], probabilities: NDArray[np.float64], path: Path, title: str) -> None:
    """Precision-recall curve of each label."""
    figure, axes = plt.subplots(figsize=(5, 4.4), layout="constrained")
    for i, stance in enumerate(Stance):
        positives = np.array(labels) == stance.value
        if positives.any():
            precision, recall, _ = precision_recall_curve(positives, probabilities[:, i])
            axes.plot(recall, precision, color=stance.colour, label=f"{stance.value} (n = {positives.sum()})")
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    axes.set_title(title, fontsize=10)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)
