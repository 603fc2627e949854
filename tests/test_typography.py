import unicodedata

import pytest

from pipeline.typography import normalise


@pytest.mark.parametrize(
    "variant",
    [
        "« C’est faux », dit-il.",
        "“C'est faux”, dit-il.",
        '"C\'est faux", dit-il.',
        "«\u202fC’est faux\u202f»,\u00a0dit-il.",
    ],
)
def test_newspapers_typographies_become_one(variant):
    assert normalise(variant) == '"C\'est faux", dit-il.'


def test_decomposed_accents_are_composed():
    assert normalise(unicodedata.normalize("NFD", "démenti à l'été")) == "démenti à l'été"


def test_an_unclosed_quotation_keeps_its_mark():
    assert normalise("« Nous n'avons rien fait.") == "\" Nous n'avons rien fait."


def test_it_is_idempotent():
    text = "« L’“affaire” » … n’a pas eu lieu — dit-on."
    assert normalise(normalise(text)) == normalise(text)
