"""The typed schema of one training run: load, override, check and save YAML.

One YAML file under ``configs/`` is one runnable setting. Unknown keys, wrong types and contradictions are reported all
at once, before any model loads, with the key, the file and what is allowed.
"""

import difflib
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import StanceError


class ConfigError(StanceError):
    """One or more keys of a config are wrong."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that also reads 1e-4 as a number, as YAML 1.2 does and people expect."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Data(_Section):
    """Which statements are trained on and evaluated."""

    corpus: str = Field("data/corpus", description="Folder with train.jsonl, validation.jsonl and test.jsonl")
    parts: list[Literal["article", "hard"]] = Field(
        ["article", "hard"], min_length=1, description="Parts of the corpus used for training"
    )
    fraction: float = Field(1.0, gt=0, le=1, description="Share of the training events used, drawn with the seed")
    unlabelled: str | None = Field(
        None, description="Articles without labels: one epoch on them, labelled by the cue lexicon, goes first"
    )


class Encoder(_Section):
    """Which pretrained encoder is fine-tuned, and how much of it stays as it is."""

    source: str = Field("embedded", min_length=1, description="embedded, a local folder, or a hub id")
    revision: str | None = Field(None, description="Branch, tag or commit of a hub id")
    freeze_embeddings: bool = True
    freeze_layers: int = Field(0, ge=0, description="Number of lowest transformer layers kept as pretrained")
    dropout: float = Field(0.1, ge=0, lt=1)


class Inputs(_Section):
    """What the model reads of a statement."""

    context: bool = Field(True, description="Give the statement before as second segment")
    title: bool = Field(False, description="Put the article's title in front of the context")
    max_tokens: int = Field(160, ge=16, le=512, description="Window length, special tokens included")


class Training(_Section):
    """The fine-tuning recipe of the encoder; baselines use only the seed."""

    epochs: int = Field(4, ge=1)
    batch_size: int = Field(16, ge=1, description="Statements per optimiser step over all processes")
    gradient_accumulation_steps: int = Field(1, ge=1)
    learning_rate: float = Field(1e-4, gt=0, le=1e-2, description="Of the top encoder layer")
    head_learning_rate: float = Field(1e-3, gt=0, le=1e-1)
    layer_decay: float = Field(0.95, gt=0, le=1, description="Learning-rate factor per layer downwards")
    weight_decay: float = Field(0.01, ge=0)
    warmup_ratio: float = Field(0.1, ge=0, lt=1)
    max_grad_norm: float = Field(1.0, gt=0)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    class_weights: Literal["none", "sqrt", "balanced"] = Field(
        "sqrt", description="Loss weight of a class: 1, 1/sqrt(share) or 1/share, normalised to mean 1"
    )
    logit_adjustment: float = Field(
        0.0, ge=0, le=2, description="tau of Menon et al. 2021 (arXiv:2007.07314), added to the logits in the loss"
    )
    rdrop: float = Field(0.0, ge=0, description="alpha of R-Drop (Liang et al. 2021, arXiv:2106.14448); 0 is off")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 where the processor has it")
    patience: int = Field(2, ge=1, description="Epochs without a better validation macro-F1 before stopping")
    log_every_steps: int = Field(20, ge=1)


class Calibration(_Section):
    """What is done to the trained encoder's probabilities, after the temperature."""

    news_shares: bool = Field(
        False, description="Shift them from the shares of the training labels to the usual ones of news articles"
    )
    lexicon: float = Field(0.0, ge=0, lt=1, description="Weight of the cue lexicon's vote mixed into them")


class Tracking(_Section):
    """Where the run is recorded; the environment's MLFLOW_TRACKING_URI wins over ``uri``."""

    uri: str = "sqlite:///runs/mlflow.db"
    experiment: str = Field("stance", min_length=1)
    registered_model: str = Field("stance", min_length=1)
    log_model: bool = True
    system_metrics: bool = True


class Config(_Section):
    """One training run, complete."""

    name: str = Field(min_length=1, pattern=r"^[\w.-]+$", description="Name of the run")
    model: Literal["encoder", "tfidf", "cues"] = "encoder"
    seed: int = Field(1, ge=0)
    output: str = Field("runs", description="Folder that receives the run folder")
    data: Data = Data()
    encoder: Encoder = Encoder()
    inputs: Inputs = Inputs()
    training: Training = Training()
    calibration: Calibration = Calibration()
    tracking: Tracking = Tracking()

    @model_validator(mode="after")
    def _no_contradictions(self) -> "Config":
        if self.training.batch_size % self.training.gradient_accumulation_steps:
            raise ValueError(
                f"training.batch_size ({self.training.batch_size}) must be a multiple of "
                f"training.gradient_accumulation_steps ({self.training.gradient_accumulation_steps})"
            )
        if self.inputs.title and not self.inputs.context:
            raise ValueError("inputs.title needs inputs.context: the title is part of the second segment")
        if self.calibration.news_shares and (
            self.model != "encoder" or self.training.class_weights != "none" or self.training.logit_adjustment
        ):
            raise ValueError(
                "calibration.news_shares needs model: encoder, training.class_weights: none and "
                "training.logit_adjustment: 0, for it takes the model to expect the shares of the training labels"
            )
        if self.encoder.revision and self.encoder.source == "embedded":
            raise ValueError("encoder.revision has no meaning for encoder.source: embedded")
        return self

    def flat(self) -> dict[str, str | int | float | bool | None]:
        """Every key as ``section.key``; lists as comma-separated text."""
        flat: dict[str, Any] = {}
        for key, value in self.model_dump().items():
            for name, item in value.items() if isinstance(value, dict) else [(None, value)]:
                flat[f"{key}.{name}" if name else key] = ",".join(item) if isinstance(item, list) else item
        return flat

    def save(self, path: Path) -> None:
        """Write the resolved config as YAML."""
        path.write_text(yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True), encoding="utf-8")


def load(path: Path, overrides: list[str] | None = None) -> Config:
    """Load a YAML file, apply ``section.key=value`` overrides, and check everything.

    Raises:
        ConfigError: Naming every wrong key at once, the file, and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(sorted(str(p) for p in Path("configs").glob("*.yaml"))) or "none here"
        raise ConfigError(
            f"{path}: cannot read this config ({error.strerror}). Configs in configs/: {known}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error}).") from error
    try:
        values = yaml.load(text, _Loader) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(values).__name__}")
    return check(values, str(path), overrides)


def check(values: dict[str, Any], source: str, overrides: list[str] | None = None) -> Config:
    """Turn nested values into a :class:`Config`; see :func:`load`."""
    for override in overrides or []:
        _apply(values, override)
    where = f"{source} with overrides {' '.join(overrides)}" if overrides else source
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(item)}" for item in error.errors())
        raise ConfigError(f"{where}: {error.error_count()} problem(s):\n{problems}") from error


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, raw = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"{override}: an override has the form section.key=value")
    try:
        value = yaml.load(raw, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{override}: the value is not valid YAML") from error
    *sections, last = key.split(".")
    target = values
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise ConfigError(f"{override}: {section} is a value, not a section")
    target[last] = value


def _explain(item: Any) -> str:
    path = [str(part) for part in item["loc"]]
    key = ".".join(path) or "config"
    if item["type"] == "extra_forbidden":
        allowed = _allowed_keys(path[:-1])
        close = difflib.get_close_matches(path[-1], allowed, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"{key}: unknown key.{hint} Allowed here: {', '.join(allowed)}"
    if item["type"] == "missing":
        return f"{key}: this key is required"
    message = item["msg"].removeprefix("Value error, ")
    return message if not path else f"{key}: {message}, found {item['input']!r}"


def _allowed_keys(path: list[str]) -> list[str]:
    section: Any = Config
    for name in path:
        field = section.model_fields.get(name)
        section = field.annotation if field else Config
    return list(section.model_fields)
