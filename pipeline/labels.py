"""The three stances: names, order, ids, French names and colours. Everything else imports them from here."""

from enum import StrEnum


class Stance(StrEnum):
    """What a statement does with an allegation; ``data/GUIDELINE.md`` defines each label.

    The order of the members is the order of the columns of every logit and probability array.
    """

    ACCUSATION = "accusation"
    DENIAL = "denial"
    NEUTRAL = "neutral"

    @property
    def id(self) -> int:
        """Column of this stance in logits and probabilities."""
        return LABELS.index(self.value)

    @property
    def french(self) -> str:
        """Name for French-facing text."""
        return {"accusation": "accusation", "denial": "démenti", "neutral": "neutre"}[self.value]

    @property
    def colour(self) -> str:
        """Colour used in terminals and figures (CSS name, safe for red-green colour blindness)."""
        return {"accusation": "#d1495b", "denial": "#2e78b7", "neutral": "#8d99a6"}[self.value]


LABELS: tuple[str, ...] = tuple(stance.value for stance in Stance)
"""Label names in column order."""

LABEL_IDS: dict[str, int] = {label: i for i, label in enumerate(LABELS)}
"""Column of each label name."""
