"""The statistical baseline: TF-IDF of words and characters with logistic regression (scikit-learn)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from pipeline.config import Inputs
from pipeline.labels import LABEL_IDS
from pipeline.model.classifier import Advance, ModelError
from pipeline.typography import normalise

_FILE = "tfidf.skops"
# Types of the pipeline below that skops does not trust by itself.
_TRUSTED = ["scipy.sparse._csr.csr_matrix"]


class TfidfNetwork:
    """A fitted scikit-learn pipeline behind the classifier's interface."""

    kind = "tfidf"

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def fit(cls, texts: Sequence[str], seconds: Sequence[str], labels: Sequence[str], seed: int) -> "TfidfNetwork":
        """Fit on statements; the second segment, if any, is appended to the text."""
        features = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, strip_accents=None),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=3, max_features=100_000),
        )
        regression = LogisticRegression(C=5.0, class_weight="balanced", max_iter=2000, random_state=seed)
        pipeline = make_pipeline(features, regression)
        pipeline.fit(_documents(texts, seconds), [LABEL_IDS[label] for label in labels])
        return cls(pipeline)

    def logits(
        self, texts: Sequence[str], seconds: Sequence[str], inputs: Inputs, advance: Advance
    ) -> tuple[NDArray[np.float64], list[bool]]:
        """Log-probabilities (n, 3)."""
        probabilities = np.zeros((len(texts), len(LABEL_IDS)))
        probabilities[:, self.pipeline.classes_] = self.pipeline.predict_proba(_documents(texts, seconds))
        advance(len(texts))
        return np.log(np.clip(probabilities, 1e-9, 1)), [False] * len(texts)

    def save(self, folder: Path) -> None:
        """Write ``tfidf.skops``, which unlike a pickle runs no code when it is read."""
        skops.io.dump(self.pipeline, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> "TfidfNetwork":
        """Load what :meth:`save` wrote."""
        try:
            return cls(skops.io.load(folder / _FILE, trusted=_TRUSTED))
        except FileNotFoundError as error:
            raise ModelError(f"{folder / _FILE}: missing; the model folder is incomplete.") from error


def _documents(texts: Sequence[str], seconds: Sequence[str]) -> list[str]:
    return [f"{normalise(text)} {normalise(second)}".strip() for text, second in zip(texts, seconds, strict=True)]
