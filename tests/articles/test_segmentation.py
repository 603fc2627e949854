"""Statements of French news: boundaries, offsets, and text that nobody meant to be read."""

import random
import runpy
from pathlib import Path

import pytest

from pipeline.articles.segmentation import segment, split
from pipeline.records import Article

ROOT = Path(__file__).resolve().parents[2]
COMPARISON = runpy.run_path(str(ROOT / "scripts" / "compare_segmenters.py"))
HARD_CASES = COMPARISON["read_gold"](Path(__file__).with_name("hard_boundaries.txt"))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


def assert_covers(article: Article) -> None:
    """Every character that is not white space lies in exactly one statement or residue, with exact offsets."""
    statements, residue = segment(article)
    position = 0
    for item in sorted([*statements, *residue], key=lambda item: item.start):
        assert item.start >= position
        assert item.article_id == article.id
        assert item.text == article.text[item.start : item.end] == item.text.strip() != ""
        assert article.text[position : item.start].strip() == ""
        position = item.end
    assert article.text[position:].strip() == ""
    assert [statement.index for statement in statements] == list(range(len(statements)))
    assert [statement.context for statement in statements] == ["", *(s.text for s in statements)][: len(statements)]


def test_hard_boundaries() -> None:
    score = COMPARISON["measure"](lambda text: [end for _, end in split(text)], HARD_CASES)
    assert score.right + score.missed >= 260
    assert score.precision >= 0.98
    assert score.recall >= 0.98


# Each text is marked: ¦ where a statement ends and the next begins.
WELL_KNOWN = {
    "M. and Mme": "M. Aubin accuse Mme. Roche.¦ MM. Dax et Colin se taisent.",
    "Me": "Me. Ferrand a plaidé.¦ Il demande la relaxe.",
    "initials": "J.-P. Sorel accuse A. B. Lindqvist.¦ F. Le Guen aussi.",
    "initial before a particle": "Selon N. Le Guen, rien n'a changé.",
    "initial of a surname ends": "On a arrêté Mehdi N.¦ Le suspect est écroué.",
    "article": "L'art. 12 est clair.¦ Il vend des objets d'art.¦ Le musée ferme.",
    "numero": "Le décret n° 45 et l'avenant no. 3 sont nuls.¦ Ils sont abrogés.",
    "page": "Voir p. 12.¦ Le vol. 2 suit.",
    "before Christ": "Elle date de 52 av. J.-C.¦ Les fouilles le prouvent.",
    "before Christ goes on": "En 52 av. J.-C. et après, on y vivait.",
    "etc. ends": "Des poires, etc.¦ Les prix montent.",
    "etc. goes on": "Des poires, etc. sont vendues.",
    "acronym ends": "Il vit aux U.S.A.¦ Il y travaille.",
    "acronym goes on": "La S.N.C.F. Réseau dément.",
    "that is": "Le texte, c.-à-d. Article 4, est nul.",
    "decimal": "Il faut 1.541 euros, soit 3,5 %.¦ 200 emplois sautent.",
    "time": "À 14h30, tout va bien.¦ À 20 h.¦ Les urnes ferment.",
    "ordinal": "1. Le maire dément.",
    "ellipsis goes on": "Il hésite… puis renonce.",
    "three dots end": "Il hésite...¦ Puis il renonce.",
    "omission": "« Ce rapport (...) est faux », dit-elle.",
    "omission after a stop": "« Tout était prévu. (...)¦ Il a menti », dit-elle.",
    "omission in square brackets": "« Il savait. […]¦ Elle aussi. »",
    "guillemets": "« C'est faux », dit-il.¦ « C'est vrai », dit-elle.",
    "guillemets with no-break spaces": "«\u00a0Non\u00a0!\u00a0»¦ Il sort.¦ «\u202fOui\u202f», dit-elle.",
    "closing guillemet belongs to its sentence": "« Je pars.¦ Je reviens. »¦ Il sourit.",
    "attribution after a question": "« Qui a payé ? » demande la juge.¦ Il se tait.",
    "attribution after a comma": "« Menteur ! », lance-t-il.¦ Elle rit.",
    "attribution: cité par": "« C'est une honte ! », cité par L'Écho.",
    "attribution: martelé": "«\u00a0Vous avez menti\u00a0!\u00a0» a martelé la députée.",
    "attribution inside": "« Le contrat est nul, dit le notaire.¦ Rien n'y fera. »",
    "straight quotes": '"Menteur !" a-t-il crié.¦ "Lâche", a-t-elle dit.',
    "stop outside": 'Il y voit "une dérive".¦ "Une de plus", dit-il.',
    "stray space before the closing mark": '"Rien. " , dit-il.¦ "On nous ment ! "¦ Il pleure.',
    "curly quotes": "“Je n'ai rien signé.”¦ Il persiste.",
    "nested curly": "« Il m'a dit : “Tais-toi.”¦ J'ai obéi. »",
    "nested plus signs": '"Il a dit +sortez+.¦ J\'ai obéi", dit-elle.',
    "nested single": "\"Il a crié 'Dehors !' et il est parti\", dit-elle.",
    "nested single ends": "\"Je lui ai dit : 'Pourquoi ?'¦ Il a ri\", dit-elle.",
    "nested straight": '"Les "patriotes" ont tout cassé.¦ On a fui", dit-il.',
    "dialogue": "– Vous étiez là ?¦\n– Non.",
    "dialogue on one line": "— Partez !¦ — Jamais !",
    "incise with dashes": "Le maire – un avocat – dément.¦ Il porte plainte.",
    "signature after a dash": "« L'argent n'a pas d'odeur. » – Paul Dax, trésorier",
    "attribution in brackets": "« C'est faux. » (Paul Dax, maire de Rives)¦ Il insiste.",
    "heading": "Une colère qui monte¦\n\nLes éboueurs sont en grève.",
    "heading of the agency": "- 'Peur' -¦\n\nLe village est vide.",
    "bullets": "• Les écoles ouvrent¦\n• Les crèches ferment",
    "dateline": "PARIS (AFP) - Le procès s'ouvre.¦ Il durera un mois.",
    "dateline with a stop": "LYON. – Le procès s'ouvre.¦ Il durera un mois.",
    "question and answer": "L'Écho : Pourquoi ?¦\nRémi Vasseur : Parce que.¦ Voilà tout.",
    "bracket": "Le maire (un boxeur !) Paul Aubin se tait.¦ (Il a parlé hier.)¦ Fin.",
    "address": "Voir www.lorcy.fr.¦ Écrire à a.b@lorcy.fr ou sur lorcy.fr/a?b=C.",
    "file": "Le fichier comptes.xlsx a disparu.¦ Il date de mai.",
    "hashtag": '"Quelle honte ! #Lorcy", écrit-il.¦ @Dax répond.',
    "missing space": "Le juge a tranché.¦Le maire est condamné.",
    "space before the stop": "Le juge a tranché .¦ Le maire est condamné .",
    "upper-case brand": "Il a perdu son iPhone.¦ eBay le vend.",
    "title at the end of a line": "Elle accuse M.\n\nDax.¦ Il dément.",
}


@pytest.mark.parametrize("marked", WELL_KNOWN.values(), ids=WELL_KNOWN.keys())
def test_well_known_case(marked: str) -> None:
    assert sentences(marked.replace("¦", "")) == [piece.strip() for piece in marked.split("¦")]


def test_quotation_over_paragraphs() -> None:
    reopened = "« Nous avons été trahis.¦\n\n« Nous irons en justice.¦ C'est dit », conclut-il."
    plain = "« Nous avons été trahis.¦\n\nNous irons en justice.¦ C'est dit », conclut-il."
    for marked in (reopened, plain):
        assert sentences(marked.replace("¦", "")) == [piece.strip() for piece in marked.split("¦")]


def test_known_heading_inside_a_paragraph_is_a_statement_of_its_own() -> None:
    text = "Le maire dément. Une plainte ? Et après Le parquet enquête."
    heading = (text.index("Une"), text.index(" Le parquet"))
    statements, _ = segment(Article("a", text, headings=(heading,)))
    assert [s.text for s in statements] == ["Le maire dément.", "Une plainte ? Et après", "Le parquet enquête."]


@pytest.mark.parametrize("headings", [((0, 0),), ((5, 3),), ((-4, 900),), ((3, 9), (5, 20)), ((40, 80), (2, 6))])
def test_odd_heading_spans_lose_nothing(headings: tuple[tuple[int, int], ...]) -> None:
    assert_covers(Article("a", "Le maire dément.\n\nUne plainte\n\nLe parquet enquête. Il se tait.", headings=headings))


def test_hard_wrapped_text_is_rejoined() -> None:
    text = (
        "Le prévenu, soutenu par ses proches et par les anciens de\n"
        "Rives, a écouté le réquisitoire sans bouger. Le procureur a\n"
        "demandé quatre ans contre lui et deux ans contre son frère\n"
        "Paul.\n\nLe verdict\nLa cour se prononcera vendredi.\n"
    )
    assert [" ".join(s.split()) for s in sentences(text)][:2] == [
        "Le prévenu, soutenu par ses proches et par les anciens de Rives, a écouté le réquisitoire sans bouger.",
        "Le procureur a demandé quatre ans contre lui et deux ans contre son frère Paul.",
    ]
    assert sentences(text)[2:] == ["Le verdict", "La cour se prononcera vendredi."]


def test_statements_carry_index_and_context() -> None:
    statements, residue = segment(Article("a", "Un vol.\n\nPartager sur Facebook\n\nDeux suspects. Aucun aveu."))
    assert [(s.index, s.text, s.context) for s in statements] == [
        (0, "Un vol.", ""),
        (1, "Deux suspects.", "Un vol."),
        (2, "Aucun aveu.", "Deux suspects."),
    ]
    assert [r.kind for r in residue] == ["share"]


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n\u00a0\n", "\x00", "\ufeff", "\u200b", ".", "«", '"', "…", "(...)", "\ud800."]
)
def test_almost_nothing(text: str) -> None:
    assert_covers(Article("a", text))


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\u2028", "\x0b"])
def test_other_line_breaks(line_break: str) -> None:
    text = f"Le titre{line_break}{line_break}Le maire dément.{line_break}Il se tait."
    assert sentences(text) == ["Le titre", "Le maire dément.", "Il se tait."]


@pytest.mark.parametrize(
    "piece",
    ['"', '" ', "«", "« ", "(", "( ", ".", ". ", "! A", ".(", ". (a ", "A. ", "M. ", "?«", "1. ", " •", "a\n", "A\n\n", "\n",
     "A (b ?) c ", "A. #a ", "A ! 👏", "+ ", "'. ", '". ', "lire : ", "- ", "© a ", "M.\n\n", '"\n'],
)  # fmt: skip
def test_endless_repetition_ends(piece: str) -> None:
    assert_covers(Article("a", piece * 20_000))


def test_article_of_200_000_words() -> None:
    text = "\n\n".join(case.text for case in HARD_CASES)
    text = "\n\n".join([text] * (200_000 // len(text.split()) + 1))
    assert len(text.split()) >= 200_000
    assert_covers(Article("a", text))
    one_paragraph = " ".join(text.split())
    assert_covers(Article("a", one_paragraph))


def test_random_damage_never_breaks_offsets() -> None:
    rng = random.Random(0)
    source = "\n\n".join(case.text for case in HARD_CASES)
    alphabet = "aÉ. .!?…\"«»“”'’()[]-–•\n\n \u00a0\u202f,;:1#@👏\r\x00\u2028+"
    for _ in range(1500):
        start = rng.randrange(len(source))
        letters = list(source[start : start + rng.randrange(1, 500)])
        for _ in range(rng.randrange(30)):
            at = rng.randrange(len(letters))
            letters[at] = rng.choice(
                ["", rng.choice(alphabet), letters[at] + rng.choice(alphabet) * rng.choice([1, 40])]
            )
        text = "".join(letters)
        headings = tuple(
            (rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)) for _ in range(rng.choice([0, 2]))
        )
        assert_covers(Article("a", text, headings=headings))


def test_segmentation_is_deterministic() -> None:
    text = "\n\n".join(case.text for case in HARD_CASES)
    assert split(text) == split(text)
    assert segment(Article("a", text)) == segment(Article("a", text))
