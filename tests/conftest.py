"""A tiny real CamemBERT with a real tokenizer, a small real corpus, and a shrunk real config."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the suite runs without a network; test_hub.py lifts it for localhost
os.environ["MLFLOW_TRACKING_URI"] = ""

import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CamembertConfig, CamembertModel, CamembertTokenizer, set_seed

from pipeline.config import Config, load
from pipeline.corpus.schema import SPLITS, json_lines, write_jsonl

ROOT = Path(__file__).resolve().parents[1]


def tiny_checkpoint(folder: Path) -> Path:
    """Two layers, 32 wide, with a Unigram vocabulary learned from the project's own corpus."""
    texts = [record["text"] for _, record in json_lines(ROOT / "data" / "corpus" / "test.jsonl")]
    unigram = Tokenizer(models.Unigram())
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"]
    trainer = trainers.UnigramTrainer(vocab_size=1200, unk_token="<unk>", special_tokens=specials, show_progress=False)
    unigram.train_from_iterator(texts[:400], trainer)
    pieces = sorted(unigram.get_vocab().items(), key=lambda item: item[1])
    vocabulary = [(piece, 0.0 if i < len(specials) else -float(i) / 100) for i, (piece, _) in enumerate(pieces)]
    tokenizer = CamembertTokenizer(vocab=[*vocabulary, ("<mask>", 0.0)], model_max_length=126)
    set_seed(0)
    config = CamembertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=5,
        eos_token_id=6,
    )
    CamembertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first statements of each split of the real corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    for split, size in zip(SPLITS, (96, 48, 48), strict=True):
        records = [record for _, record in json_lines(ROOT / "data" / "corpus" / f"{split}.jsonl")]
        # Every third of a shuffled-by-id order, so that all labels and both parts are there.
        write_jsonl(folder / f"{split}.jsonl", sorted(records, key=lambda r: hash_of(r["id"]))[:size])
    return folder


def hash_of(text: str) -> int:
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 100_003


@pytest.fixture
def tiny_config(tiny_encoder: Path, small_corpus: Path, tmp_path: Path) -> Config:
    """The shipped default, shrunk to seconds."""
    return load(ROOT / "configs" / "embedded.yaml", tiny_overrides(tiny_encoder, small_corpus, tmp_path))


def tiny_overrides(encoder: Path, corpus: Path, folder: Path) -> list[str]:
    return [
        "name=tiny",
        f"output={folder / 'runs'}",
        f"data.corpus={corpus}",
        f"encoder.source={encoder}",
        "encoder.freeze_layers=0",
        "encoder.freeze_embeddings=false",
        "inputs.max_tokens=64",
        "training.epochs=2",
        "training.learning_rate=1e-3",
        "training.log_every_steps=2",
        "training.precision=fp32",
        "calibration.lexicon=0.0",  # tests of the recipe are about what the encoder learns
        f"tracking.uri=sqlite:///{folder / 'mlflow.db'}",
        "tracking.system_metrics=false",
    ]


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command."""
    import sys

    command = shutil.which("stance", path=str(Path(sys.executable).parent))
    assert command, "install the project first: make setup"
    return Path(command)
