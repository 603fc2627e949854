"""Web leftovers are set aside; sentences that merely resemble them stay statements."""

import pytest

from pipeline.articles.residue import kind_of_line, kind_of_sentence, opens_list, tail_of_sentence
from pipeline.articles.segmentation import segment
from pipeline.records import Article

LEFTOVER_LINES = {
    "read-also": [
        "Lire aussi : Le maire de Lorcy se défend",
        "Lire aussi",
        "À lire également : nos révélations sur le port de Rives",
        "A lire aussi >> Pourquoi l'usine ferme",
        "► Lire aussi : Qui est Paul Mirande ? Notre portrait",
        "→ À LIRE AUSSI : La colère des éleveurs",
        "Lire aussi « On nous a menti » : les riverains racontent",
        "Voir aussi : les images de la crue",
        "Lire la suite",
        "Lire notre enquête : Les comptes cachés du club",
        "Sur le même sujet",
        "Retrouvez tous nos articles sur l'affaire des ponts",
        "Les plus lus",
    ],
    "share": [
        "Partager sur Facebook",
        "Partager",
        "Partagez cet article sur les réseaux sociaux",
        "Partager l'article",
        "Facebook Twitter WhatsApp E-mail",
        "Facebook | X | LinkedIn",
        "Envoyer par e-mail",
        "Copier le lien",
        "Suivez-nous sur Instagram et TikTok",
    ],
    "counts": [
        "12 partages",
        "1,2k vues",
        "3 commentaires",
        "34 partages, 5 commentaires",
        "Commentaires (12)",
        "Temps de lecture : 3 min",
        "4 minutes de lecture",
    ],
    "comments": [
        "Laisser un commentaire",
        "Laissez un commentaire !",
        "Commentaires",
        "Aucun commentaire",
        "Réagir à cet article",
        "Soyez le premier à réagir.",
        "Connectez-vous pour commenter",
        "Votre adresse e-mail ne sera pas publiée.",
        "Les champs obligatoires sont indiqués avec *",
        "Les commentaires sont fermés.",
    ],
    "newsletter": [
        "Inscrivez-vous à notre newsletter",
        "Abonnez-vous gratuitement à notre newsletter pour ne rien manquer",
        "Recevez chaque matin l'essentiel de l'actualité de la région",
        "Recevez gratuitement nos alertes par e-mail",
        "La newsletter du matin",
        "Votre adresse e-mail",
        "Je m'inscris",
    ],
    "cookies": [
        "Nous utilisons des cookies pour améliorer votre expérience",
        "Ce site utilise des cookies afin de mesurer son audience. En poursuivant votre navigation, vous les acceptez.",
        "En poursuivant votre navigation sur ce site, vous acceptez l'utilisation de cookies.",
        "Tout accepter",
        "Continuer sans accepter",
        "Paramétrer les cookies",
        "Gestion des cookies",
    ],
    "published": [
        "Publié le 3 mars 2021 à 10h12",
        "Publié le 03/03/2021 à 10:12",
        "Publié le 3 mars 2021 à 10h12, mis à jour le 4 mars 2021 à 9h",
        "Publié le 3 mars 2021 - Mis à jour le 4 mars 2021",
        "Publié le 3 mars 2021 à 10h12. Mis à jour à 11h30.",
        "Mis à jour hier à 18h40",
        "Dernière mise à jour : 12 août 2022",
        "Par Hélène Marsac, le 12 août 2022 à 7h",
        "Mardi 12 août 2022",
        "Publié il y a 3 heures",
    ],
    "credit": [
        "© Photo Rémi Vasseur / AFP",
        "Crédit photo : Mairie de Lorcy",
        "Crédits : Studio Val",
        "Photo : Rémi Vasseur",
        "Photo d'illustration",
        "Le port de Rives, le 4 mai © Aya Colin",
        "Aya Colin / AFP",
        "Capture d'écran YouTube",
    ],
    "agency": ["(avec AFP)", "Avec AFP", "AFP", "L'Écho de Lorcy avec AFP", "La rédaction avec AFP", "Source : AFP"],
    "subscription": [
        "Article réservé aux abonnés",
        "Cet article est réservé aux abonnés.",
        "Il vous reste 72 % de cet article à lire.",
        "Déjà abonné ? Se connecter",
        "Abonnez-vous dès 1 € le premier mois",
        "S'abonner",
    ],
    "advertising": ["Publicité", "PUBLICITÉ", "La suite après la publicité", "Contenu sponsorisé"],
    "byline": [
        "Par Hélène Marsac",
        "Propos recueillis par Rémi Vasseur et Aya Colin",
        "De notre correspondante à Rives, Aya Colin",
        "Rémi Vasseur, envoyé spécial à Valmont",
    ],
    "navigation": [
        "Haut de page",
        "Mots-clés : justice, Lorcy, pont",
        "Accueil > Région > Lorcy",
        "Cliquez ici pour voir la vidéo",
        "Tous droits réservés",
    ],
    "separator": ["***", "- - -", "• • •"],
}

STATEMENTS = [
    "Il a partagé sur Facebook une photo truquée de son adversaire.",
    "Partager sur Facebook la photo d'un mineur peut être puni d'une amende.",
    "Publié le 3 mars 2021, son livre accuse l'État.",
    "Le rapport, publié le 3 mars 2021 à 10h12, ne dit rien de tel.",
    "Le décret a été publié le 12 août 2022.",
    "La newsletter du parti accuse le maire de mensonge.",
    "Nos newsletters ont été piratées, dénonce le journal.",
    "Le site utilise des cookies sans l'accord des internautes, accuse l'association.",
    "« Nous utilisons des cookies pour mesurer l'audience », se défend le groupe.",
    "Lire aussi des journaux étrangers lui a ouvert les yeux.",
    "Lire et écrire ne suffisent plus, prévient l'enseignante.",
    "Voir les siens partir l'a brisé.",
    "La photo montre le préfet et le promoteur à la même table.",
    "Photographe de guerre, Aya Colin dénonce un montage.",
    "Le crédit photo a été oublié, reconnaît le journal.",
    "Crédit : les banques durcissent leurs conditions, accuse l'UFC.",
    "Douze partages et trois commentaires ont suffi à lancer la rumeur.",
    "12 partages plus tard, la rumeur avait fait le tour de la ville.",
    "Le commentaire lui a valu une plainte.",
    "Il n'a laissé aucun commentaire.",
    "Les commentaires ont fusé.",
    "L'AFP dément avoir reçu cette photo.",
    "Avec l'AFP, il a couvert trois guerres.",
    "Par Paul Mirande, l'affaire a éclaté au grand jour.",
    "La publicité est mensongère, selon l'association.",
    "Les abonnés ont été trompés.",
    "Abonnez-vous à la peur et vous aurez la haine, lance-t-il.",
    "Inscrivez-vous sur les listes électorales, exhorte le maire.",
    "Mardi 12 août 2022, le pont s'est effondré.",
    "À 10h12, l'alarme a retenti.",
    "Recueillis par une voisine, les enfants sont sains et saufs.",
    "Source de tensions, le barrage divise la vallée.",
    "Menu fretin, dit-il.",
    "Suivez l'argent, conseille l'enquêteur.",
    "« Partager »",
    "Retrouvez votre calme, a lancé la présidente.",
    "Vidéo : le maire de Lorcy s'explique",
]


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in LEFTOVER_LINES.items() for line in lines])
def test_leftover_lines_are_recognised_with_their_kind(kind: str, line: str) -> None:
    expected = "agency" if line == "(avec AFP)" else kind
    assert kind_of_line(line) == expected


@pytest.mark.parametrize("text", STATEMENTS)
def test_what_only_resembles_a_leftover_is_a_statement(text: str) -> None:
    assert kind_of_line(text) == ""
    assert kind_of_sentence(text) == ""
    statements, residue = segment(Article("a", f"Le maire est mis en cause.\n\n{text}\n\nIl dément."))
    assert [statement.text for statement in statements] == ["Le maire est mis en cause.", text, "Il dément."]
    assert residue == []


@pytest.mark.parametrize(
    ("sentence", "statement", "kind"),
    [
        ("Le maire a démissionné mardi. (avec AFP)", "Le maire a démissionné mardi.", "agency"),
        ("Le maire a démissionné mardi (avec AFP).", "Le maire a démissionné mardi", "agency"),
        ("Le maire a démissionné mardi. (AFP)", "Le maire a démissionné mardi.", "agency"),
        ("Le maire a démissionné. (Source : Reuters)", "Le maire a démissionné.", "agency"),
        ("Le maire quitte la salle. (Photo Rémi Vasseur/AFP)", "Le maire quitte la salle.", "credit"),
        ("Le maire quitte la salle (photo ci-dessus).", "Le maire quitte la salle", "credit"),
        ("Le maire quitte la salle (lire aussi page 4).", "Le maire quitte la salle", "read-also"),
        ("Le maire quitte la salle (lire ci-contre).", "Le maire quitte la salle", "read-also"),
    ],
)
def test_leftovers_in_brackets_are_cut_off(sentence: str, statement: str, kind: str) -> None:
    statements, residue = segment(Article("a", sentence))
    assert [s.text for s in statements] == [statement]
    assert [r.kind for r in residue] == [kind]
    assert statement + " " + residue[0].text == sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "Il travaille pour l'Agence France-Presse (AFP).",
        "La députée a voté contre (avec trois élus de la majorité).",
        "Le maire a tout publié (photos et vidéos à l'appui).",
        "Il a vu la scène (lire son témoignage lui a suffi).",
        "Le club a gagné (3-1).",
    ],
)
def test_other_brackets_stay(sentence: str) -> None:
    assert tail_of_sentence(sentence) == (len(sentence), "")
    assert segment(Article("a", sentence))[1] == []


def test_links_below_read_also_belong_to_it() -> None:
    text = "Le pont est fermé.\n\nLire aussi :\n- Le pont de la discorde\n- Qui paiera ?\n\nLe maire dément."
    statements, residue = segment(Article("a", text))
    assert [s.text for s in statements] == ["Le pont est fermé.", "Le maire dément."]
    assert [r.text for r in residue] == ["Lire aussi :", "- Le pont de la discorde", "- Qui paiera ?"]
    assert {r.kind for r in residue} == {"read-also"}


def test_a_paragraph_below_read_also_stays_a_statement() -> None:
    statements, residue = segment(Article("a", "Lire aussi : Le pont de la discorde\nLe maire dément."))
    assert [s.text for s in statements] == ["Le maire dément."]
    assert [r.kind for r in residue] == ["read-also"]
    statements, _ = segment(Article("a", "Lire aussi\nLe maire dément les faits."))
    assert [s.text for s in statements] == ["Le maire dément les faits."]


def test_only_bare_headers_open_a_list() -> None:
    assert opens_list("À lire aussi :")
    assert opens_list("Sur le même sujet")
    assert not opens_list("Lire aussi : Le pont de la discorde")
    assert not opens_list("Le maire dément.")


def test_leftovers_inside_a_paragraph_are_found() -> None:
    text = "Le maire dément. Lire aussi : Le pont de la discorde. Il porte plainte. Propos recueillis par Aya Colin"
    statements, residue = segment(Article("a", text))
    assert [s.text for s in statements] == ["Le maire dément.", "Il porte plainte."]
    assert [r.kind for r in residue] == ["read-also", "byline"]


def test_long_texts_are_never_residue() -> None:
    assert kind_of_line("Lire aussi : " + "le pont de la discorde " * 50) == ""


@pytest.mark.parametrize("text", ["", "(" * 300, "Publié le " * 30, "Aya Colin, " * 27, "/ - " * 75, "1 " * 150])
def test_strange_texts_do_not_hang(text: str) -> None:
    kind_of_line(text)
    kind_of_sentence(text)
    tail_of_sentence(text + "(" + text[:80] + ")")
