"""The fine-tuned encoder: finds its source (embedded, folder, hub id), loads it, turns token windows into logits."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.utils import logging as transformers_logging

from pipeline.config import Encoder, Inputs
from pipeline.errors import StanceError
from pipeline.labels import LABEL_IDS, LABELS
from pipeline.model import embedded
from pipeline.model.classifier import Advance, ModelError
from pipeline.model.inputs import Windows, encode

BATCH_TOKENS = 4096
"""Padded tokens of one scoring batch; larger ones are no faster on a CPU and take more memory."""


transformers_logging.set_verbosity_error()  # "newly initialized" heads are what fine-tuning is about


class EncoderError(StanceError):
    """The encoder asked for cannot be loaded."""


def embedded_folder() -> Path:
    """Where the embedded encoder is built: ``$STANCE_MODELS`` or ``models``, then ``embedded``."""
    return Path(os.environ.get("STANCE_MODELS", "models")) / "embedded"


def resolve(encoder: Encoder) -> tuple[str, str | None]:
    """Path or hub id to load from, and the exact commit of a hub id (``None`` for folders).

    Raises:
        EncoderError: The embedded encoder is not built, the folder is not a checkpoint, or the hub did not answer.
    """
    if encoder.source == "embedded":
        folder = embedded_folder()
        if not embedded.is_built(folder):
            raise EncoderError(f"{folder}: the embedded encoder is not built. Run: stance encoder build")
        return str(folder), None
    folder = Path(encoder.source)
    if folder.is_dir():
        missing = [name for name in ("config.json",) if not (folder / name).is_file()]
        if not list(folder.glob("*.safetensors")):
            missing.append("*.safetensors")
        if not any((folder / name).is_file() for name in ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")):
            missing.append("tokenizer.json")
        if missing:
            raise EncoderError(f"{folder}: not a checkpoint folder, it lacks {', '.join(missing)}.")
        return str(folder), None
    if encoder.source.startswith((".", "/", "~")) or encoder.source.count("/") > 1:
        raise EncoderError(f"{encoder.source}: this folder does not exist (encoder.source).")
    return encoder.source, _hub_commit(encoder.source, encoder.revision)


def _hub_commit(repository: str, revision: str | None) -> str:
    """Commit of a hub repository, from the hub or, offline, from its local cache."""
    from huggingface_hub import HfApi, constants, scan_cache_dir
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi().model_info(repository, revision=revision, timeout=20)
        return str(info.sha)
    except HFValidationError as error:
        raise EncoderError(
            f"{repository}: neither a folder here nor a valid hub id (encoder.source): {error}"
        ) from error
    except RevisionNotFoundError as error:
        raise EncoderError(f"{repository}: the hub has no revision {revision!r} (encoder.revision).") from error
    except RepositoryNotFoundError as error:
        raise EncoderError(
            f"{repository}: the hub {constants.ENDPOINT} has no such model, or it is private (set HF_TOKEN)."
        ) from error
    except Exception as error:  # the HTTP client's connection errors share no base across hub versions
        reason = error
    try:
        for cached in scan_cache_dir().repos:
            for snapshot in cached.revisions if cached.repo_id == repository else ():
                if revision in (None, snapshot.commit_hash) or revision in snapshot.refs:
                    return str(snapshot.commit_hash)
    except Exception:  # no cache at all
        pass
    raise EncoderError(
        f"{repository}: the hub {constants.ENDPOINT} cannot be reached ({type(reason).__name__}: {reason}) and the "
        "model is not in the local cache.\nDownload it where there is a network and set encoder.source to that folder; "
        "or use encoder.source=embedded, which needs no hub."
    ) from reason


def new_network(encoder: Encoder, max_tokens: int) -> "EncoderNetwork":
    """A pretrained encoder with a fresh three-label head, ready to be trained (fp32).

    Raises:
        EncoderError: It cannot be loaded, or its window is shorter than ``max_tokens``.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    source, revision = resolve(encoder)
    try:
        config = AutoConfig.from_pretrained(
            source,
            revision=revision,
            num_labels=len(LABELS),
            id2label=dict(enumerate(LABELS)),
            label2id=dict(LABEL_IDS),
            problem_type="single_label_classification",
            hidden_dropout_prob=encoder.dropout,
            attention_probs_dropout_prob=encoder.dropout,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, use_fast=True)
        # fp16 checkpoints would otherwise load as fp16, in which a CPU cannot train.
        model = AutoModelForSequenceClassification.from_pretrained(
            source, revision=revision, config=config, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise EncoderError(f"{source}: cannot be loaded as a sequence classifier: {error}") from error
    _check(tokenizer, model, source)
    longest = longest_window(model.config, tokenizer)
    if max_tokens > longest:
        raise EncoderError(f"inputs.max_tokens is {max_tokens}, but {source} reads at most {longest} tokens.")
    network = EncoderNetwork(model, tokenizer)
    network.commit = revision
    return network


def longest_window(config: Any, tokenizer: Any) -> int:
    """Longest input of an encoder in tokens; RoBERTa's family loses ``padding_idx + 1`` positions."""
    positions = getattr(config, "max_position_embeddings", 512)
    if config.model_type in ("camembert", "roberta", "xlm-roberta"):
        positions -= config.pad_token_id + 1
    return min(int(positions), int(tokenizer.model_max_length))


def _check(tokenizer: Any, model: Any, source: str) -> None:
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise EncoderError(f"{source}: no fast tokenizer (tokenizer.json) can be made for it.")
    if len(tokenizer) > model.config.vocab_size:
        raise EncoderError(
            f"{source}: the tokenizer has {len(tokenizer)} pieces but the model only {model.config.vocab_size} rows."
        )


class EncoderNetwork:
    """A Transformers sequence classifier and its tokenizer behind the classifier's interface."""

    kind = "encoder"

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.commit: str | None = None

    def logits(
        self, texts: Sequence[str], seconds: Sequence[str], inputs: Inputs, advance: Advance
    ) -> tuple[NDArray[np.float64], list[bool]]:
        """Logits (n, 3) in fp32; a windowed statement gets the mean over its windows, weighted by their length."""
        windows = encode(self.tokenizer, texts, seconds, inputs.max_tokens)
        sums = np.zeros((len(texts), len(LABELS)))
        weights = np.zeros((len(texts), 1))
        device = next(self.model.parameters()).device
        self.model.eval()
        with torch.inference_mode():
            for batch in token_batches(windows, BATCH_TOKENS):
                features = self.tokenizer.pad([windows.features[i] for i in batch], return_tensors="pt").to(device)
                logits = self.model(**features).logits.float().cpu().numpy()
                for row, i in zip(logits, batch, strict=True):
                    size = len(windows.features[i]["input_ids"])
                    sums[windows.owner[i]] += row * size
                    weights[windows.owner[i]] += size
                advance(len({windows.owner[i] for i in batch}))
        return sums / weights, windows.windowed

    def save(self, folder: Path) -> None:
        """Write an ordinary Transformers folder (safetensors)."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        for path in folder.glob("*.safetensors"):
            path.chmod(0o644)

    @classmethod
    def load(cls, folder: Path) -> "EncoderNetwork":
        """Load what :meth:`save` wrote.

        Raises:
            ModelError: Weights, config or tokenizer are missing or do not fit together.
        """
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            if not (folder / name).is_file():
                raise ModelError(f"{folder}: the model folder lacks {name}; copy the whole model/ folder of its run.")
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True
            )
        except (OSError, ValueError, RuntimeError, json.JSONDecodeError) as error:
            raise ModelError(f"{folder}: the model cannot be loaded: {error}") from error
        if [model.config.id2label[i] for i in range(model.config.num_labels)] != list(LABELS):
            raise ModelError(f"{folder}: labels are {model.config.id2label}, expected {list(LABELS)}")
        if torch.cuda.is_available():
            model = model.cuda()
        return cls(model, tokenizer)


def token_batches(windows: Windows, budget: int) -> Iterator[list[int]]:
    """Batches of window indices, longest first, whose padded size stays within ``budget`` tokens."""
    lengths = [len(feature["input_ids"]) for feature in windows.features]
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size
