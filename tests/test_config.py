from pathlib import Path

import pytest

from pipeline.config import ConfigError, check, load
from pipeline.training.experiments import load_experiment

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_config_loads(path):
    assert load(path).name == path.stem


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_experiment_names_loadable_configs(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert load_experiment(path).configs([])


def test_all_problems_are_reported_at_once_with_key_file_and_what_is_allowed(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\ntraining:\n  epoch: 3\n  batch_size: many\nfoo: 1\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "training.epoch: unknown key. Did you mean epochs?" in message
    assert "training.batch_size" in message
    assert "'many'" in message
    assert "foo: unknown key" in message


def test_overrides_win_and_are_typed():
    config = check({"name": "x"}, "memory", ["training.learning_rate=1e-4", "seed=0", "encoder.source=a/b"])
    assert (config.training.learning_rate, config.seed, config.encoder.source) == (1e-4, 0, "a/b")


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("training.epochs", "section.key=value"),
        ("inputs.title=true", "inputs.title needs inputs.context"),
        ("training.gradient_accumulation_steps=3", "must be a multiple"),
        ("encoder.revision=main", "no meaning"),
        ("training.warmup_ratio=1.5", "less than 1"),
        ("seed=true", "seed"),
    ],
)
def test_contradictions_are_refused(override, what):
    overrides = [override, "inputs.context=false"] if "title" in override else [override]
    with pytest.raises(ConfigError, match=what):
        check({"name": "x"}, "memory", overrides)


def test_saved_config_loads_to_the_same(tmp_path):
    config = check({"name": "x"}, "memory", ["data.parts=[hard]", "training.rdrop=0.5"])
    config.save(tmp_path / "c.yaml")
    assert load(tmp_path / "c.yaml") == config


def test_every_key_has_a_flat_name():
    flat = check({"name": "x"}, "memory").flat()
    assert flat["training.learning_rate"] == 1e-4
    assert flat["data.parts"] == "article,hard"
    assert not any(isinstance(value, dict | list) for value in flat.values())
