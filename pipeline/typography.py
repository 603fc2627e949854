"""The one place where the typography of newspapers is made uniform, for training and scoring alike."""

import unicodedata

_TYPOGRAPHY = str.maketrans(
    {
        "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'",
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‹": '"', "›": '"',
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\t": " ", "\n": " ", "\r": " ",
        "–": "-", "—": "-", "‑": "-", "−": "-",
        "\u00ad": None, "\u200b": None, "\ufeff": None, "\x00": None,
    }
)  # fmt: skip


def normalise(text: str) -> str:
    """The one typography that models are trained on and score: NFC, plain quotes, apostrophes, dashes and spaces.

    Newspapers differ in typography, and a label must not depend on it. Offsets are not touched: the statement keeps its
    own text, only the model reads this one.
    """
    text = unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY).replace("…", "...")
    words = " ".join(text.split())
    # Guillemets carry inner spaces, straight quotes do not: bring both to the second form.
    pieces = words.split('"')
    for i in range(1, len(pieces), 2):
        if i < len(pieces) - 1:
            pieces[i] = pieces[i].strip()
    return '"'.join(pieces)
