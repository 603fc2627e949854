import pytest

from pipeline.labels import Stance
from pipeline.model.cues import stance_of


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("L'opposition accuse le maire d'avoir menti.", Stance.ACCUSATION),
        ("La plainte contre le directeur a été déposée lundi.", Stance.ACCUSATION),
        ("Le maire dément.", Stance.DENIAL),
        ("Elle rejette toutes ces accusations.", Stance.DENIAL),
        ("La ministre a dénoncé « des mensonges ».", Stance.DENIAL),
        ("La ministre a dénoncé un scandale.", Stance.ACCUSATION),
        ("Le titre accuse une baisse de 3 %.", Stance.NEUTRAL),
        ("Il n'accuse personne.", Stance.NEUTRAL),
        ("Le ministère n'a ni confirmé ni infirmé.", Stance.NEUTRAL),
        ("Il rejette l'offre de paix.", Stance.NEUTRAL),
        ("La réunion a duré deux heures.", Stance.NEUTRAL),
    ],
)
def test_the_lexicon_reads_plain_cases(text, stance):
    assert stance_of(text) is stance
