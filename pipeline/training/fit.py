"""Fine-tunes an encoder with :class:`transformers.Trainer`, selecting the best epoch by validation macro-F1."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from pipeline.config import Config, Training
from pipeline.corpus.schema import LabelledStatement
from pipeline.errors import StanceError
from pipeline.evaluation.metrics import evaluate
from pipeline.labels import LABEL_IDS, LABELS
from pipeline.model.classifier import Classifier, softmax
from pipeline.model.encoder import EncoderNetwork
from pipeline.model.inputs import encode, second_segments

Log = Callable[[dict[str, float], int], None]
"""Receives named values and the optimiser step they belong to."""


def fine_tune(
    network: EncoderNetwork,
    config: Config,
    train: Sequence[LabelledStatement],
    validation: Sequence[LabelledStatement],
    folder: Path,
    log: Log,
    epochs: int | None = None,
) -> Classifier:
    """Train ``network`` in place and return it with the weights of its best epoch.

    Args:
        network: A pretrained encoder with a fresh head.
        config: Inputs, recipe and seed.
        train: Training statements.
        validation: Statements that choose the epoch.
        folder: Receives checkpoints; if it already holds a complete one, training goes on from there.
        log: Called during training.
        epochs: Instead of ``config.training.epochs``.

    Raises:
        StanceError: The loss is no longer a number.
    """
    recipe = config.training
    set_seed(config.seed)
    classifier = Classifier(network, config.inputs)
    for parameter in network.model.parameters():
        parameter.requires_grad_(True)
    for parameter in frozen_parameters(network.model, config):
        parameter.requires_grad_(False)
    dataset = _dataset(network.tokenizer, train, config)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    on_cpu = not torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs or recipe.epochs,
        # batch_size is over all processes and accumulation steps, so that the result does not depend on their number.
        per_device_train_batch_size=max(1, recipe.batch_size // recipe.gradient_accumulation_steps // processes),
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_ratio,
        lr_scheduler_type="linear",
        max_grad_norm=recipe.max_grad_norm,
        train_sampling_strategy="group_by_length",
        bf16=uses_bf16(recipe),
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and processes > 1 else None,
        ddp_find_unused_parameters=False if processes > 1 else None,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        logging_steps=recipe.log_every_steps,
        seed=config.seed,
        data_seed=config.seed,
        report_to="none",
        disable_tqdm=False,
        remove_unused_columns=False,
        dataloader_pin_memory=not on_cpu,
    )
    trainer = _StanceTrainer(
        classifier=classifier,
        recipe=recipe,
        loss=_Loss(recipe, [record.label for record in train]),
        model=network.model,
        args=arguments,
        train_dataset=dataset,
        eval_dataset=list(validation),  # read by _StanceTrainer.evaluate; the Trainer only wants to see one
        data_collator=_Collator(network.tokenizer),
        callbacks=[EarlyStoppingCallback(recipe.patience), _Report(log)],
    )
    for noisy in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(noisy)
    trainer.add_callback(_Progress())
    trainer.train(resume_from_checkpoint=last_checkpoint(folder))
    network.model.float()
    return classifier


def frozen_parameters(model: Any, config: Config) -> list[torch.nn.Parameter]:
    """Parameters that stay as pretrained: the embeddings and the lowest layers, as configured."""
    base = model.base_model
    frozen = list(base.embeddings.parameters()) if config.encoder.freeze_embeddings else []
    layers = base.encoder.layer
    if config.encoder.freeze_layers > len(layers):
        raise StanceError(
            f"encoder.freeze_layers is {config.encoder.freeze_layers}, the encoder has {len(layers)} layers."
        )
    for layer in layers[: config.encoder.freeze_layers]:
        frozen += list(layer.parameters())
    return frozen


def uses_bf16(recipe: Training) -> bool:
    """Whether training autocasts to bf16: asked for, or ``auto`` on a processor with bf16 instructions."""
    if recipe.precision != "auto":
        return recipe.precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and "avx512_bf16" in _cpu_flags()


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint; ``trainer_state.json`` is written last, so one without it was cut off."""
    complete = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return str(max(complete, key=lambda path: int(path.name.split("-")[1]))) if complete else None


def _dataset(tokenizer: Any, records: Sequence[LabelledStatement], config: Config) -> Any:
    """One row a window: ``input_ids``, ``labels``, ``length``; a long statement gives several rows."""
    from datasets import Dataset

    seconds = second_segments([r.context for r in records], [r.title for r in records], config.inputs)
    windows = encode(tokenizer, [r.text for r in records], seconds, config.inputs.max_tokens)
    columns: dict[str, list[Any]] = {name: [f[name] for f in windows.features] for name in windows.features[0]}
    columns["labels"] = [LABEL_IDS[records[owner].label] for owner in windows.owner]
    columns["length"] = [len(ids) for ids in columns["input_ids"]]
    return Dataset.from_dict(columns)


class _Collator:
    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        features = [{k: v for k, v in row.items() if k not in ("labels", "length")} for row in rows]
        batch: dict[str, torch.Tensor] = dict(self.tokenizer.pad(features, return_tensors="pt"))
        batch["labels"] = torch.tensor([row["labels"] for row in rows])
        return batch


class _Loss:
    """Cross-entropy with the recipe's class weights, label smoothing and logit adjustment."""

    def __init__(self, recipe: Training, labels: Sequence[str]) -> None:
        counts = np.array([max(1, sum(label == name for label in labels)) for name in LABELS], dtype=float)
        shares = counts / counts.sum()
        power = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}[recipe.class_weights]
        weights = shares**-power
        # Mean 1 over the statements keeps the size of the loss, hence of the steps, independent of the choice.
        self.weights = torch.tensor(weights / (weights * shares).sum(), dtype=torch.float32)
        self.prior = torch.tensor(recipe.logit_adjustment * np.log(shares), dtype=torch.float32)
        self.smoothing = recipe.label_smoothing

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        adjusted = logits.float() + self.prior.to(logits.device)
        each = functional.cross_entropy(adjusted, labels, reduction="none", label_smoothing=self.smoothing)
        return (each * self.weights.to(logits.device)[labels]).mean()


class _StanceTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped here
    """Trainer with this project's loss, layer-wise learning rates, and validation by :meth:`Classifier.logits`."""

    def __init__(
        self,
        classifier: Classifier,
        recipe: Training,
        loss: _Loss,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.classifier, self.recipe, self.loss = classifier, recipe, loss
        # Our loss is a mean over the batch; the Trainer must not divide by the number of items again.
        self.model_accepts_loss_kwargs = False

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = self.loss(outputs.logits, labels)
        if self.recipe.rdrop and model.training:
            second = model(**inputs)
            loss = (loss + self.loss(second.logits, labels)) / 2
            loss = loss + self.recipe.rdrop * _symmetric_kl(outputs.logits.float(), second.logits.float())
        if not torch.isfinite(loss):
            raise StanceError("The training loss is no longer a number; lower training.learning_rate.")
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self.recipe), betas=(0.9, 0.98), fused=True)
        return self.optimizer

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        records = self.eval_dataset
        logits, _windowed = self.classifier.logits(
            [r.text for r in records], [r.context for r in records], [r.title for r in records]
        )
        metrics = evaluate([r.label for r in records], softmax(logits))
        values = {f"eval_{label}_f1": metrics["per_class"][label]["f1"] for label in LABELS}
        values |= {"eval_macro_f1": metrics["macro_f1"], "eval_loss": metrics["log_loss"]}
        self.log(values)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, values)
        return values


def parameter_groups(model: Any, recipe: Training) -> list[dict[str, Any]]:
    """Trainable parameters with their learning rates: the head's own, and one per layer, smaller downwards."""
    layers = len(model.base_model.encoder.layer)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if ".layer." in name:
            depth = layers - 1 - int(name.split(".layer.")[1].split(".")[0])
            rate = recipe.learning_rate * recipe.layer_decay**depth
        elif ".embeddings." in name:
            rate = recipe.learning_rate * recipe.layer_decay**layers
        else:
            rate = recipe.head_learning_rate
        decay = 0.0 if parameter.ndim == 1 else recipe.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def _symmetric_kl(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    p, q = functional.log_softmax(first, dim=-1), functional.log_softmax(second, dim=-1)
    forward = functional.kl_div(p, q, log_target=True, reduction="batchmean")
    return (forward + functional.kl_div(q, p, log_target=True, reduction="batchmean")) / 2


class _Progress(ProgressCallback):  # type: ignore[misc]
    """The bar, and one line an epoch; the curves are in MLflow."""

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if state.is_world_process_zero and logs and "eval_macro_f1" in logs and self.training_bar is not None:
            scores = ", ".join(f"{label} {logs[f'eval_{label}_f1']:.3f}" for label in LABELS)
            self.training_bar.write(
                f"epoch {state.epoch:.0f}: validation macro-F1 {logs['eval_macro_f1']:.3f} ({scores})", file=sys.stderr
            )


class _Report(TrainerCallback):  # type: ignore[misc]
    """Passes the Trainer's numbers on under our names."""

    _NAMES = {"loss": "train.loss", "grad_norm": "train.grad_norm", "learning_rate": "train.learning_rate"}  # noqa: RUF012

    def __init__(self, log: Log) -> None:
        self.log = log

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if not state.is_world_process_zero or not logs:
            return
        values = {new: float(logs[old]) for old, new in self._NAMES.items() if old in logs}
        values |= {
            f"validation.{key.removeprefix('eval_')}": float(value)
            for key, value in logs.items()
            if key.startswith("eval_")
        }
        if values:
            self.log(values, state.global_step)
