import json

import numpy as np
import pytest

from pipeline.config import Config, Encoder, Inputs
from pipeline.labels import LABELS
from pipeline.model.classifier import Classifier, CueNetwork, ModelError, load
from pipeline.model.encoder import EncoderError, new_network
from pipeline.model.tfidf import TfidfNetwork

TEXTS = ["Il nie tout.", "On lui reproche d'avoir menti aux élus de la commune pendant trois ans.", "Il pleut."] * 3
CONTEXTS = ["Le maire est accusé.", "", "La météo."] * 3


@pytest.fixture(scope="module")
def network(tiny_encoder):
    return new_network(Encoder(source=str(tiny_encoder)), 64)


def test_label_order_and_numbers_survive_save_and_load(network, tmp_path):
    classifier = Classifier(network, Inputs(max_tokens=64), temperature=1.7, name="tiny")
    classifier.save(tmp_path)
    again = load(tmp_path)
    assert again.name == "tiny"
    assert again.network.model.config.id2label == dict(enumerate(LABELS))
    np.testing.assert_allclose(
        again.predict(TEXTS, CONTEXTS).probabilities, classifier.predict(TEXTS, CONTEXTS).probabilities, atol=1e-6
    )


def test_padding_and_batch_size_do_not_change_predictions(network, monkeypatch):
    classifier = Classifier(network, Inputs(max_tokens=64))
    together = classifier.predict(TEXTS, CONTEXTS).probabilities
    monkeypatch.setattr("pipeline.model.encoder.BATCH_TOKENS", 1)
    np.testing.assert_allclose(classifier.predict(TEXTS, CONTEXTS).probabilities, together, atol=1e-5)


def test_a_statement_longer_than_the_window_is_scored_and_flagged(network):
    long = "Le procureur a requis une peine. " * 60
    predictions = Classifier(network, Inputs(max_tokens=32)).predict([long, "Court."])
    assert predictions.windowed == [True, False]
    assert np.isfinite(predictions.probabilities).all()


def test_the_end_of_a_long_statement_counts(network):
    classifier = Classifier(network, Inputs(max_tokens=32))
    start = "Le conseil municipal a voté le budget. " * 20
    a, b = classifier.predict([start + "Il nie.", start + "Zut alors, quelle affaire !"]).probabilities
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("kind", ["cues", "tfidf"])
def test_baselines_save_load_and_predict_alike(kind, tmp_path):
    labels = ["denial", "accusation", "neutral"] * 3
    network = CueNetwork() if kind == "cues" else TfidfNetwork.fit(TEXTS, CONTEXTS, labels, seed=1)
    classifier = Classifier(network, name=kind)
    classifier.save(tmp_path)
    expected = classifier.predict(TEXTS, CONTEXTS)
    again = load(tmp_path).predict(TEXTS, CONTEXTS)
    np.testing.assert_allclose(again.probabilities, expected.probabilities, atol=1e-9)
    np.testing.assert_allclose(again.probabilities.sum(axis=1), 1)
    assert not list(tmp_path.glob("*.pkl"))


def test_no_statements_give_no_rows(network):
    predictions = Classifier(network, Inputs(max_tokens=64)).predict([])
    assert predictions.probabilities.shape == (0, 3)
    assert predictions.labels == []


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.safetensors", "stance.json"])
def test_an_incomplete_model_folder_is_named(network, tmp_path, missing):
    Classifier(network, Inputs(max_tokens=64)).save(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ModelError, match=missing.replace(".", r"\.")):
        load(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        load(tmp_path / "nothing")


def test_labels_of_another_order_are_refused(network, tmp_path):
    Classifier(network, Inputs(max_tokens=64)).save(tmp_path)
    card = json.loads((tmp_path / "stance.json").read_text())
    card["labels"] = card["labels"][::-1]
    (tmp_path / "stance.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="labels are"):
        load(tmp_path)


def test_a_folder_that_is_no_checkpoint_says_what_it_lacks(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderError, match=r"lacks \*\.safetensors, tokenizer\.json"):
        new_network(Encoder(source=str(tmp_path)), 64)


def test_a_missing_encoder_folder_is_not_mistaken_for_a_hub_id(tmp_path):
    with pytest.raises(EncoderError, match="does not exist"):
        new_network(Encoder(source=str(tmp_path / "camembert")), 64)


def test_a_window_beyond_the_encoders_is_refused(tiny_encoder):
    with pytest.raises(EncoderError, match="reads at most 126 tokens"):
        new_network(Encoder(source=str(tiny_encoder)), 160)


def test_the_embedded_encoder_must_be_built(tmp_path, monkeypatch):
    monkeypatch.setenv("STANCE_MODELS", str(tmp_path))
    with pytest.raises(EncoderError, match="stance encoder build"):
        new_network(Config(name="x").encoder, 64)


def test_shift_and_lexicon_change_probabilities_and_survive_save_and_load(network, tmp_path):
    texts = ["Le maire dément avoir signé ce papier.", "Il pleut à Brest."]
    plain = Classifier(network).predict(texts).probabilities
    shifted = Classifier(network, shift=(0.0, 2.0, 0.0)).predict(texts).probabilities
    assert (shifted[:, 1] > plain[:, 1]).all()
    mixed = Classifier(network, lexicon=0.25, shift=(0.0, 2.0, 0.0))
    p = mixed.predict(texts).probabilities
    np.testing.assert_allclose(p, 0.75 * shifted + 0.25 * np.array([[0, 1, 0], [0, 0, 1]]), atol=1e-6)
    mixed.save(tmp_path / "m")
    np.testing.assert_allclose(load(tmp_path / "m").predict(texts).probabilities, p, atol=1e-6)
    assert mixed.predict([]).probabilities.shape == (0, 3)


def test_a_model_saved_before_shift_and_lexicon_still_loads(tmp_path):
    Classifier(CueNetwork(), name="old").save(tmp_path)
    card = json.loads((tmp_path / "stance.json").read_text())
    del card["shift"], card["lexicon"]
    (tmp_path / "stance.json").write_text(json.dumps(card))
    assert load(tmp_path).predict(["Le maire dément."]).labels == ["denial"]
