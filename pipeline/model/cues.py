"""The rule baseline: a small lexicon of French accusing and denying words, with negation.

Kept small and readable; it is what the encoder has to beat. The first rule that matches decides.
"""

import re

from pipeline.labels import Stance

NOT_A_CUE = [
    r"accus\w+ (?:réception|le coup|une? (?:baisse|retard|repli|recul|perte|déficit|hausse|chute)|\d)",
    r"ne se dément\w* pas", r"nie\w* l'évidence", r"démenti cinglant", r"l'accusée?s? (?:est|était|a|s')",
    r"ni (?:confirm|infirm|dément)\w+", r"n'a pas (?:démenti|nié|contesté)", r"n'accus\w+ personne",
    r"ne peut (?:pas )?nier", r"dénonc\w+ (?:un |l'|le |cet? )(?:accord|traité|contrat)",
    r"rejet\w+ (?:l'|une |la |cette )(?:offre|proposition|demande)",
]  # fmt: skip

DENYING = [
    r"dément(?:i|ie|is|ies|ent|ait|aient|ir|ant)?\b", r"\bni(?:e|ent|ait|aient|é|er|ant)\b",
    r"réfut\w+", r"récus\w+", r"contest(?:e|ent|ait|é|er|ant)\b", r"se défend\w* d", r"s'(?:en )?est défendu",
    r"rejet\w+ (?:\w+ ){0,2}(?:accusation|allégation)s?", r"balay\w+", r"clam\w+ (?:\w+ ){0,3}innocence",
    r"plaid\w+ non coupable", r"victime d'un complot", r"pur mensonge", r"\bmensonger\w*", r"c'est faux\b",
    r"fausses? (?:information|accusation|rumeur)s?", r"infondé\w*", r"sans fondement", r"de toutes pièces",
    r"calomni\w+", r"diffamat\w+", r"dénégations?", r"je n'ai jamais", r"nous n'avons jamais", r"il n'a jamais",
    r"n'a rien à se reprocher", r"aucune preuve", r"absurde",
    r"dénonc\w+ (?:\S+ ){0,3}\W*(?:mensonge|accusation|allégation|rumeur)s?",
]  # fmt: skip

ACCUSING = [
    r"accus(?:e|ent|ait|aient|é|ée|és|ées|er|ant|a)\b", r"accusations?", r"dénonc\w+", r"reproch\w+", r"imput\w+",
    r"mis\w* en cause", r"pointe\w* du doigt", r"soupçonn\w+", r"épingl\w+", r"fustig\w+", r"responsables? de",
    r"port\w+ plainte", r"plainte (?:a été déposée|contre)", r"mise?s? en examen", r"inculp\w+", r"poursuivie?s? pour",
    r"\bmenti\b", r"\bmensonges?\b", r"complices?", r"scandal\w+", r"honteu\w+", r"trahi\w*", r"incompéten\w+",
    r"irresponsab\w+", r"coupables?", r"corrompu\w*", r"détourn\w+", r"aurai(?:t|ent) \w+(?:é|i|u)s?\b",
    r"pour avoir", r"inacceptable", r"attaqu\w+ en justice", r"\bviol(?:é|er|ation)\b",
]  # fmt: skip


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_NOT_A_CUE, _DENYING, _ACCUSING = _any(NOT_A_CUE), _any(DENYING), _any(ACCUSING)
_NEGATED_ACCUSATION = re.compile(r"\b(?:n['e] ?(?:\w+ ){0,2}?(?:accus|dénonc|reproch|soupçonn))", re.IGNORECASE)


def stance_of(text: str) -> Stance:
    """The stance that the lexicon reads in one statement (in normalised typography)."""
    text = _NOT_A_CUE.sub(" ", text)
    if _DENYING.search(text):
        return Stance.DENIAL
    if _ACCUSING.search(text) and not _NEGATED_ACCUSATION.search(text):
        return Stance.ACCUSATION
    return Stance.NEUTRAL


def cues_in(text: str) -> set[Stance]:
    """All stances whose cue words stand in the statement, whatever they mean there; for describing a corpus."""
    found = set()
    if _DENYING.search(text):
        found.add(Stance.DENIAL)
    if _ACCUSING.search(text):
        found.add(Stance.ACCUSATION)
    return found
