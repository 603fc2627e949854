import pytest
from transformers import AutoTokenizer

from pipeline.config import Inputs
from pipeline.model.inputs import encode, second_segments


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder):
    return AutoTokenizer.from_pretrained(tiny_encoder)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_a_pair_is_encoded_as_the_tokenizer_itself_would(tokenizer):
    windows = encode(tokenizer, ["Il nie."], ["On l'accuse."], 64)
    assert windows.features[0]["input_ids"] == tokenizer(["Il nie."], ["On l'accuse."])["input_ids"][0]


def test_context_is_cut_first_and_from_its_beginning(tokenizer):
    statement = "Le maire a répondu."
    context = " ".join(["loin"] * 60) + " tout près"
    window = encode(tokenizer, [statement], [context], 32).features[0]["input_ids"]
    assert len(window) == 32
    start = window.index(ids(tokenizer, statement)[0])
    assert window[start : start + len(ids(tokenizer, statement))] == ids(tokenizer, statement)
    assert window[-1 - len(ids(tokenizer, "près")) : -1] == ids(tokenizer, "près")


def test_a_long_statement_is_never_cut_but_windowed(tokenizer):
    words = [f"mot{i}" for i in range(80)]
    windows = encode(tokenizer, [" ".join(words), "Court."], ["Avant.", "Avant."], 32)
    assert windows.windowed == [True, False]
    own = [f["input_ids"] for f, owner in zip(windows.features, windows.owner, strict=True) if owner == 0]
    assert all(len(window) <= 32 for window in own)
    whole = ids(tokenizer, " ".join(words))
    seen = own[0][1:-1]
    for window in own[1:]:
        body = window[1:-1]
        overlap = next(n for n in range(len(body), 0, -1) if seen[-n:] == body[:n])
        seen += body[overlap:]
    assert seen == whole


def test_statement_of_exactly_the_window_fits_without_context(tokenizer):
    statement = " ".join(["le"] * 200)
    body = ids(tokenizer, statement)[:30]
    text = tokenizer.decode(body)
    windows = encode(tokenizer, [text], ["Avant."], len(ids(tokenizer, text)) + 2)
    assert windows.windowed == [False]


def test_second_segment_follows_the_switches():
    assert second_segments(["a"], ["T"], Inputs(context=False)) == [""]
    assert second_segments(["a"], ["T"], Inputs()) == ["a"]
    assert second_segments(["a", "b"], ["T", ""], Inputs(title=True)) == ["T. a", "b"]
