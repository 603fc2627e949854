"""Statements to logits and probabilities: one interface, three models (encoder, TF-IDF, cues), one folder format.

Validation, evaluation, scoring and the model logged in MLflow all call :meth:`Classifier.logits`, so that they cannot
disagree.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Inputs
from pipeline.errors import StanceError
from pipeline.labels import LABELS, Stance
from pipeline.model import cues
from pipeline.model.inputs import second_segments
from pipeline.typography import normalise

CARD = "stance.json"
"""File of a model folder that says which kind of model it holds, its inputs and its calibration."""

Advance = Callable[[int], object]
"""Called with the number of statements done since the last call."""


class ModelError(StanceError):
    """A folder is not a model of this project, or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a classifier says of ``n`` statements.

    Attributes:
        probabilities: Float array (n, 3) in the order of :data:`pipeline.labels.LABELS`; calibrated; rows sum to 1.
        windowed: Whether each statement was longer than the model's window and was scored in several.
    """

    probabilities: NDArray[np.float64]
    windowed: list[bool]

    @property
    def labels(self) -> list[str]:
        """Most probable label of each statement."""
        return [LABELS[i] for i in self.probabilities.argmax(axis=1)] if len(self.probabilities) else []


class Network(Protocol):
    """What each kind of model provides; the classifier around it adds inputs and calibration."""

    kind: str

    def logits(
        self, texts: Sequence[str], seconds: Sequence[str], inputs: Inputs, advance: Advance
    ) -> tuple[NDArray[np.float64], list[bool]]:
        """Logits (n, 3) and whether each statement was windowed."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model's own files."""
        ...


@dataclass
class Classifier:
    """A model with the inputs it was trained on and its calibration.

    Attributes:
        temperature: Logits are divided by it before the softmax (Guo et al. 2017, arXiv:1706.04599).
        shift: Added to the logits after that, for other shares of the labels than in training.
        lexicon: Weight of the cue lexicon's vote in the probabilities, 0 to 1.
        name: How rows that this model scored refer to it.
    """

    network: Network
    inputs: Inputs = field(default_factory=lambda: Inputs())
    temperature: float = 1.0
    shift: tuple[float, ...] = (0.0,) * len(LABELS)
    lexicon: float = 0.0
    name: str = ""

    def logits(
        self,
        texts: Sequence[str],
        contexts: Sequence[str] | None = None,
        titles: Sequence[str] | None = None,
        advance: Advance = lambda n: None,
    ) -> tuple[NDArray[np.float64], list[bool]]:
        """Uncalibrated logits (n, 3) and whether each statement was windowed."""
        empty = [""] * len(texts)
        if not texts:
            return np.zeros((0, len(LABELS))), []
        seconds = second_segments(contexts or empty, titles or empty, self.inputs)
        return self.network.logits(texts, seconds, self.inputs, advance)

    def predict(
        self,
        texts: Sequence[str],
        contexts: Sequence[str] | None = None,
        titles: Sequence[str] | None = None,
        advance: Advance = lambda n: None,
    ) -> Predictions:
        """Calibrated probabilities of statements; see :class:`Predictions`."""
        logits, windowed = self.logits(texts, contexts, titles, advance)
        return Predictions(self.calibrated(logits, texts), windowed)

    def calibrated(self, logits: NDArray[np.float64], texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (n, 3) from uncalibrated logits (n, 3) of ``texts``."""
        probabilities = softmax(logits / self.temperature + np.array(self.shift))
        if not self.lexicon or not texts:
            return probabilities
        votes = np.eye(len(LABELS))[[Stance(cues.stance_of(normalise(text))).id for text in texts]]
        return (1 - self.lexicon) * probabilities + self.lexicon * votes

    def save(self, folder: Path) -> None:
        """Write everything that :func:`load` needs."""
        folder.mkdir(parents=True, exist_ok=True)
        self.network.save(folder)
        card = {
            "kind": self.network.kind,
            "labels": LABELS,
            "inputs": self.inputs.model_dump(),
            "temperature": self.temperature,
            "shift": self.shift,
            "lexicon": self.lexicon,
            "name": self.name,
        }
        (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Classifier:
    """Load a model folder.

    Raises:
        ModelError: ``folder`` is missing, is not a model of this project, or lacks a file.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        what = "has no stance.json" if folder.is_dir() else "does not exist"
        raise ModelError(
            f"{folder}: {what}; expected a model folder that `stance train` wrote (its run folder's model/)."
        ) from error
    except json.JSONDecodeError as error:
        raise ModelError(f"{folder / CARD}: broken JSON: {error}") from error
    if tuple(card.get("labels", ())) != LABELS:
        raise ModelError(f"{folder / CARD}: labels are {card.get('labels')}, expected {list(LABELS)}")
    network: Network
    if card["kind"] == "cues":
        network = CueNetwork()
    elif card["kind"] == "tfidf":
        from pipeline.model.tfidf import TfidfNetwork

        network = TfidfNetwork.load(folder)
    else:
        from pipeline.model.encoder import EncoderNetwork

        network = EncoderNetwork.load(folder)
    return Classifier(
        network,
        Inputs(**card["inputs"]),
        temperature=card["temperature"],
        shift=tuple(card.get("shift", (0.0,) * len(LABELS))),  # cards of before these two were added
        lexicon=card.get("lexicon", 0.0),
        name=card["name"],
    )


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    if not len(logits):
        return logits
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return result


class CueNetwork:
    """The cue lexicon behind the same interface; its confidence is fixed, for rules have none."""

    kind = "cues"

    def logits(
        self, texts: Sequence[str], seconds: Sequence[str], inputs: Inputs, advance: Advance
    ) -> tuple[NDArray[np.float64], list[bool]]:
        """Log of 0.8 for the label of the rules, of 0.1 for the others; the second segment is not read."""
        logits = np.full((len(texts), len(LABELS)), np.log(0.1))
        for i, text in enumerate(texts):
            logits[i, Stance(cues.stance_of(normalise(text))).id] = np.log(0.8)
            advance(1)
        return logits, [False] * len(texts)

    def save(self, folder: Path) -> None:
        """Nothing: the lexicon is in the package."""
