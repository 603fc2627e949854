import json
import shutil

import numpy as np
import pytest
from pydantic import BaseModel

from pipeline.config import load
from pipeline.corpus.schema import SPLITS, read_split, write_jsonl
from pipeline.errors import StanceError
from pipeline.model.classifier import load as load_model
from pipeline.training.fit import last_checkpoint
from pipeline.training.recipe import finished, train
from tests.conftest import ROOT, tiny_overrides

EXPECTED = {
    "config.yaml", "metrics.json", "run.json", "predictions.jsonl", "errors.jsonl", "MODEL_CARD.md", "curves.jsonl", "model",
    "figures",
}  # fmt: skip


def silent(values, step):
    pass


def changed(config, **sections):
    values = config.model_dump()
    for section, new in sections.items():
        values[section] = {**values[section], **new} if isinstance(new, dict) else new
    return type(config).model_validate(values)


def test_a_run_folder_is_complete_and_its_model_gives_its_predictions(tiny_config, tmp_path):
    seen = []
    result = train(tiny_config, tmp_path / "run", lambda values, step: seen.append((step, values)))
    assert {path.name for path in result.folder.iterdir()} == EXPECTED
    rows = [json.loads(line) for line in (result.folder / "predictions.jsonl").read_text().splitlines()]
    model = load_model(result.folder / "model")
    test = read_split(__import__("pathlib").Path(tiny_config.data.corpus), "test")
    again = model.predict([r.text for r in test], [r.context for r in test], [r.title for r in test])
    np.testing.assert_allclose([row["p_denial"] for row in rows], again.probabilities[:, 1], atol=2e-6)
    assert any("train.loss" in values for _, values in seen)
    assert [step for step, values in seen if "validation.macro_f1" in values] == sorted(
        step for step, values in seen if "validation.macro_f1" in values
    )
    assert finished(tiny_config) is None  # it looks in config.output, this run is elsewhere


def test_one_seed_gives_the_same_metrics_and_another_seed_others(tiny_config, tmp_path):
    first = train(tiny_config, tmp_path / "a", silent).metrics
    again = train(tiny_config, tmp_path / "b", silent).metrics
    other = train(changed(tiny_config, seed=2), tmp_path / "c", silent).metrics
    assert first == again
    assert first["test"]["log_loss"] != other["test"]["log_loss"]


def test_an_interrupted_training_goes_on_to_the_same_result(tiny_config, tmp_path):
    whole = train(tiny_config, tmp_path / "whole", silent).metrics

    def stop_after_first_epoch(values, step):
        if last_checkpoint(tmp_path / "cut" / "checkpoints"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_config, tmp_path / "cut", stop_after_first_epoch)
    steps = []
    resumed = train(tiny_config, tmp_path / "cut", lambda values, step: steps.append(step)).metrics
    assert min(steps) > 6  # the first epoch's six steps were not made again
    assert resumed["test"]["log_loss"] == pytest.approx(whole["test"]["log_loss"], abs=1e-4)


def test_a_checkpoint_that_was_cut_off_is_not_resumed_from(tmp_path):
    (tmp_path / "checkpoint-6").mkdir()
    (tmp_path / "checkpoint-6" / "trainer_state.json").touch()
    (tmp_path / "checkpoint-12").mkdir()
    assert last_checkpoint(tmp_path).endswith("checkpoint-6")


def test_it_learns_eight_statements_by_heart(tiny_config, small_corpus, tmp_path):
    corpus = tmp_path / "eight"
    corpus.mkdir()
    records: list[BaseModel] = []
    for label, n in (("accusation", 3), ("denial", 2), ("neutral", 3)):
        records += [r for r in read_split(small_corpus, "train") if r.label == label][:n]
    for split in SPLITS:
        write_jsonl(corpus / f"{split}.jsonl", [r.model_dump() for r in records])
    config = changed(
        tiny_config,
        data={"corpus": str(corpus)},
        encoder={"dropout": 0.0},
        training={"epochs": 60, "patience": 60, "batch_size": 8, "label_smoothing": 0.0, "learning_rate": 3e-3},
    )
    assert train(config, tmp_path / "run", silent).metrics["test"]["accuracy"] == 1.0


@pytest.mark.parametrize(
    "training",
    [
        {"class_weights": "balanced", "logit_adjustment": 1.0},
        {"rdrop": 1.0, "class_weights": "none"},
        {"batch_size": 16, "gradient_accumulation_steps": 4},
        {"precision": "bf16"},
    ],
    ids=lambda t: next(iter(t)),
)
def test_every_switch_of_the_recipe_trains(tiny_config, tmp_path, training):
    metrics = train(changed(tiny_config, training={**training, "epochs": 1}), tmp_path / "run", silent).metrics
    assert np.isfinite(metrics["test"]["log_loss"])


def test_accumulation_does_not_change_the_result_but_by_rounding(tiny_config, tmp_path):
    config = changed(tiny_config, encoder={"dropout": 0.0}, training={"class_weights": "none", "epochs": 1})
    once = train(config, tmp_path / "a", silent).metrics["test"]["log_loss"]
    parts = train(changed(config, training={"gradient_accumulation_steps": 2}), tmp_path / "b", silent).metrics
    assert parts["test"]["log_loss"] == pytest.approx(once, abs=0.02)


def test_frozen_layers_stay_as_pretrained(tiny_config, tmp_path):
    from safetensors.torch import load_file

    config = changed(tiny_config, encoder={"freeze_embeddings": True, "freeze_layers": 1}, training={"epochs": 1})
    result = train(config, tmp_path / "run", silent)
    before = load_file(f"{tiny_config.encoder.source}/model.safetensors")
    after = load_file(result.folder / "model" / "model.safetensors")
    same = {n for n, t in before.items() if (after[f"roberta.{n.removeprefix('roberta.')}"] == t).all()}
    assert all(("embeddings" in n or "layer.0." in n) == (n in same) for n in before)


def test_more_frozen_layers_than_there_are_is_refused(tiny_config, tmp_path):
    with pytest.raises(StanceError, match="the encoder has 2 layers"):
        train(changed(tiny_config, encoder={"freeze_layers": 3}), tmp_path / "run", silent)


@pytest.mark.parametrize("name", ["cues", "tfidf"])
def test_baselines_go_through_the_same_recipe(name, tiny_encoder, small_corpus, tmp_path):
    overrides = [f"data.corpus={small_corpus}", f"output={tmp_path}"]
    config = load(ROOT / "configs" / f"{name}.yaml", overrides)
    result = train(config, tmp_path / f"{name}-1", silent)
    assert {path.name for path in result.folder.iterdir()} == EXPECTED - {"curves.jsonl"}
    assert finished(config) == result.folder
    shutil.rmtree(result.folder)
    assert finished(config) is None


def test_unlabelled_articles_make_a_first_stage(tiny_config, tmp_path):
    articles = tmp_path / "articles.jsonl"
    article = "Le syndicat accuse la direction d'avoir menti. La direction dément. La réunion dure deux heures. "
    articles.write_text(json.dumps({"id": "1", "text": article * 30}) + "\n")
    config = changed(tiny_config, data={"unlabelled": str(articles)}, training={"epochs": 1})
    steps = []
    train(config, tmp_path / "run", lambda values, step: steps.append(step))
    assert steps != sorted(steps)  # the second stage counts its steps anew


def test_overrides_of_the_tests_fit_the_shipped_config(tiny_encoder, small_corpus, tmp_path):
    config = load(ROOT / "configs" / "embedded.yaml", tiny_overrides(tiny_encoder, small_corpus, tmp_path))
    assert config.encoder.source == str(tiny_encoder)
