"""Recognises web leftovers: what a page puts around and into an article, and nobody states.

Every rule describes a whole line, a whole sentence, or a bracket at the end of a sentence, never a word in it. So a
sentence that merely talks about Facebook, photographs or newsletters stays a statement; where in doubt, all does.

Rules are regular expressions for the whole text, in which a space stands for any white space and an apostrophe for both
its forms. Words are matched in any case, names (``_NAMES``) only with capitals.
"""

import re

_LONGEST = 300
"""Characters beyond which a line or sentence is never residue."""

_MONTH = (
    "(?:janv(?:ier|[.])?|f[ée]vr?(?:ier|[.])?|mars|avr(?:il|[.])?|mai|juin|juil(?:let|l?[.])?|ao[uû]t|"
    "sept(?:embre|[.])?|oct(?:obre|[.])?|nov(?:embre|[.])?|d[ée]c(?:embre|[.])?)"
)
_DATE = (
    rf"(?:(?:(?:lun|mar|mercre|jeu|vendre|same)di,? |dimanche,? )?\d{{1,2}}(?:er)? {_MONTH}(?: \d{{4}})?|"
    r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2}|hier|aujourd'hui)"
)
_HOUR = r"\d{1,2}\s?[h:]\s?(?:\d{2})?"
_WHEN = rf"(?:(?:le )?{_DATE}(?:,?\s?(?:à |[-–—|·]\s?)?{_HOUR})?|il y a \d+ \w+|à {_HOUR})"
_STAMP = (
    r"(?:(?:article |texte )?(?:publiée?|postée?|mise? (?:à jour|en ligne)|modifiée?|actualisée?|créée?)|publication|"
    r"(?:dernière )?(?:mise à jour|modification|actualisation))(?: le)?\s?:?"
)
_NAME = r"(?-i:[A-ZÀ-Ý][\w'.-]*)"
_NAMES = rf"{_NAME}(?: (?:d[eu] |des |la |le )?{_NAME}){{0,4}}"
_AUTHORS = rf"{_NAMES}(?:(?:, | et | avec ){_NAMES}){{0,4}}"
_AGENCY = "(?-i:AFP|Reuters|REUTERS|AP|EFE|ANSA|DPA|dpa|Belga|ATS|Keystone-ATS|Bloomberg|6Medias)"
_AGENCIES = rf"(?:l'|les? |nos )?(?:{_AGENCY}|agences?)(?:\s?(?:,|/|-|et) ?\s?(?:l')?(?:{_AGENCY}|agences?)){{0,3}}"
_PHOTO_AGENCY = (
    f"(?:{_AGENCY}|(?-i:Getty(?: Images)?|Shutterstock|Sipa(?: Press)?|SIPA|Abaca(?:press)?|MAXPPP|Adobe ?Stock|"
    "[iI]Stock|Unsplash|Pixabay|Bestimage|Wikimedia(?: Commons)?|EPA|REA|DR))"
)
_MORE_STAMPS = rf"[\s,|·•(–—-]*(?:par {_AUTHORS}|(?:et )?{_STAMP}\s?{_WHEN})\)?"
_NETWORK = (
    "(?:(?-i:X)|facebook|twitter|linkedin|whatsapp|messenger|telegram|instagram|pinterest|reddit|tiktok|bluesky|"
    "mastodon|threads|youtube|snapchat|e-?mail|courriel|sms)"
)
_NETWORKS = rf"{_NETWORK}(?:(?:\s?[,/|·•-]\s?| et | ou | ){_NETWORK}){{0,9}}"
_LETTER = r"(?:newsletters?|infolettres?|lettres? d'informations?|alertes?(?: e-?mail)?)"
_PIECE = "(?:cet |cette |l'|la |le |ce )(?:article|page|actualité|information|info|vidéo|contenu|publication)"
_SUBSCRIBERS = "(?:aux|à nos|pour les|pour nos) abonnés"

# What is residue as a sentence inside a paragraph, too.
_SENTENCES: dict[str, tuple[str, ...]] = {
    "read-also": (
        r"(?:[àa] (?:re)?(?:lire|voir|écouter|regarder|découvrir)|(?:re)?(?:lire|voir|écouter|regarder))"
        r"(?: aussi| également)\s?[\]:>→|].{1,200}",
        r"(?:[àa] )?(?:re)?(?:lire|voir|écouter|regarder) (?:aussi|également)(?:\s?[-–—]?\s?(?-i:[A-ZÀ-Ý«\"“]).{1,200})?",
        r"[àa] (?:re)?(?:lire|voir|écouter|regarder|découvrir)\s?[:>→|].{1,200}",
        r"(?:[àa] )?(?:re)?(?:lire|voir|écouter)(?: aussi| également)? (?:nos|notre|l'(?:article|encadré)|"
        r"ci-(?:contre|dessous)|(?:en )?pages? \d+)\b.{0,80}",
        r"(?:retrouvez|consultez|(?:re)?lisez|(?:re)?voyez) (?:ici )?(?:tous |toutes )?(?:nos|notre) (?:autres? )?"
        r"(?:articles?|dossiers?|enquêtes?|direct|live|reportages?|sélection|podcasts?|vidéos?|analyses?|édition)\b.{0,100}",
    ),
    "share": (
        rf"(?:partage[rz]|envoye[rz]|tweete[rz]|recommande[rz])(?: {_PIECE})? (?:sur|par|via|avec) "
        rf"(?:{_NETWORKS}|les réseaux sociaux|(?:un|vos) amis?)",
        rf"(?:vous avez aimé cet article\s?\?\s?)?partagez-l[ea](?: sur {_NETWORKS})?",
        rf"(?:sui|retrou|rejoi)(?:vez|gnez)-nous (?:aussi |également )?sur (?:{_NETWORKS}|les réseaux sociaux)",
    ),
    "comments": (
        r"(?:laisse[rz]|ajoute[rz]|poste[rz]|publie[rz]|écri(?:re|vez)) (?:un|votre) commentaire",
        r"soyez le premier à (?:commenter|réagir|laisser|donner)\b.{0,40}",
        r"(?:(?:connect|inscriv|identifi)ez-vous|vous devez (?:être connectée?|vous connecter)) "
        r"(?:pour|afin de) (?:pouvoir )?(?:commenter|réagir|laisser|participer|publier|répondre)\b.{0,60}",
        r"votre adresse (?:e-?mail|de messagerie|électronique) ne sera pas publiée",
        r"les champs obligatoires sont indiqués\b.{0,20}",
        r"les commentaires sont (?:fermés|désactivés|clos)\b.{0,30}",
    ),
    "newsletter": (
        rf".{{0,60}}(?:(?:abonn|inscriv)ez-vous|s'(?:abonner|inscrire)|je m'(?:abonne|inscris)) (?:gratuitement )?"
        rf"(?:à |aux )(?:la |nos |notre |cette )?{_LETTER}\b.{{0,150}}",
        r"(?:chaque \w+, |gratuitement, )?rece(?:vez|voir) (?:gratuitement |chaque |tous les |toute |nos |notre |la |l').{0,150}"
        rf"\b(?:{_LETTER}|e-?mails?|boîte|infos?|actualités?|essentiel|rédaction)\b.{{0,80}}",
        rf"(?:en (?:validant|vous inscrivant)|votre adresse (?:e-?mail |électronique )?(?:est|sera)) .{{0,150}}\b{_LETTER}\b.{{0,80}}",
        r"vous pouvez (?:à tout moment )?vous désinscrire\b.{0,120}|merci\W+votre inscription (?:est|a bien été)\b.{0,40}",
    ),
    "cookies": (
        r"(?:en cliquant sur .{1,40}, vous (?:acceptez|consentez)\b|ce contenu est bloqué\b).{0,100}\bcookies\b.{0,80}",
        r"(?:nous(?: et nos (?:\d+ )?partenaires)?|ce site|notre site) (?:utilis|dépos|stock)(?:e|ons|ent) .{0,60}"
        r"\b(?:cookies|traceurs)\b.{0,40}\b(?:pour|afin|nécessaires|à des fins)\b.{0,160}",
        r"en (?:poursuivant|continuant) (?:votre|sur|la|à) .{0,60}\bvous acceptez\b.{0,160}",
    ),
    "published": (rf"{_STAMP}\s?(?:le )?{_DATE}(?:,?\s?(?:à |[-–—|·]\s?)?{_HOUR}|(?<=\d{{4}}))(?:{_MORE_STAMPS})?",),
    "credit": (
        r"(?:©|\(c\)|copyright\b|crédits?[ -](?:photos?|images?|vidéos?)\b).{1,120}",
        rf"crédits?\s?[:©]\s?©?\s?{_NAMES}(?:\s?[/,|-]\s?{_NAMES}){{0,3}}",
        r"(?:photos?|illustrations?)(?: d'archives| d'illustration)?\s?[:©/]\s?(?-i:[A-ZÀ-Ý©\d]).{1,120}(?<![.!?])",
        r"[^.!?]{3,160} ©\s?.{1,60}",
    ),
    "agency": (rf"avec {_AGENCIES}", rf"sources?\s?:?\s?{_AGENCIES}"),
    "subscription": (
        rf"(?:{_PIECE}|la suite(?: de cet article)?) est (?:réservée?|accessible) (?:uniquement )?{_SUBSCRIBERS}\b"
        r".{0,60}",
        r"il vous reste \d+(?:[.,]\d+)?\s?% de (?:cet|ce) \w+ à lire\b.{0,80}",
        r"abonnez-vous (?:pour (?:lire|accéder|continuer|découvrir|profiter)|(?:dès|à partir de) \d).{0,100}",
        r"(?:profitez|testez|offre)\b.{0,60}\d\s?(?:€|euros?)\b.{0,40}\b(?:par mois|premier mois|sans engagement)\b.{0,40}",
        r"(?:vous avez )?déjà (?:abonnée?|un compte)\s?\?(?: (?:se connecter|connectez-vous|identifiez-vous))?",
    ),
    "byline": (rf"(?:propos )?recueillis? par {_AUTHORS}",),
    "navigation": (
        r"ce texte (?:est|correspond à) une partie de la (?:retranscription|transcription) du reportage\b.{0,30}",
        r"cliquez (?:ici|sur (?:la |l')(?:vidéo|image|photo)(?: ci-\w+)?) pour (?:la |l'|le )?"
        r"(?:lire|voir|regarder|visionner|agrandir|écouter|lancer)\b.{0,60}",
    ),
}

# What is residue only as a line of its own: buttons, labels, boxes. None of them ends in a full stop.
_LINES: dict[str, tuple[str, ...]] = {
    "read-also": (
        r"(?:lire|voir|relire)\s?:.{1,200}",
        r"lire (?:la suite|plus)|en savoir plus|sur le même (?:sujet|thème)|pour aller plus loin|à ne pas manquer",
        r"(?:nos |les )?(?:autres )?(?:articles|thèmes) (?:liés|similaires|associés|recommandés|sur [lc]e sujet|les plus lus)",
        r"vous (?:aimerez|pourriez) aussi(?: aimer)?|les plus lus|dans la même rubrique|notre (?:dossier|sélection)",
        r"(?:lire|voir|écouter|regarder) (?:l'article(?: complet)?|la vidéo|le podcast|l'émission)|pour en savoir plus",
    ),
    "share": (
        rf"(?:partage[rz]|envoye[rz]|tweete[rz]|imprime[rz]|enregistre[rz]|sauvegarde[rz])(?: {_PIECE}| via)?|partages?",
        rf"(?:partage[rz] )?{_NETWORKS}|copier le lien|lien copié|j'aime|ajouter aux favoris",
    ),
    "counts": (
        r"(?:\d[\d\s.,]*k?\s?(?:partages?|commentaires?|vues?|j'aime|likes?|réactions?|abonnés|lectures?)\W{0,3}){1,4}",
        r"(?:partages?|commentaires?|vues|réactions?)\s?(?::\s?\d+|\(\d+\))",
        r"(?:(?:temps de )?lecture|durée)\s?:?\s?(?:environ )?\d+\s?(?:min|mn)\w*|\d+\s?(?:min|mn)\w*(?: de lecture)?",
    ),
    "comments": (
        r"(?:(?:voir|lire|afficher) )?(?:tous )?(?:les )?(?:\d+ )?commentaires?(?: récents| fermés)?|aucun commentaire",
        r"(?:réagir|commenter|réagissez)(?: à)?(?: cet article)?(?: \(\d+\))?|répondre|signaler (?:un abus|ce commentaire)|votre réaction",
    ),
    "newsletter": (
        rf"(?:la |notre |nos |les )?{_LETTER}(?: (?:gratuite|quotidienne|hebdomadaire|du \w+|de la rédaction))?"
        r"(?:\s?:.{0,80})?",
        r"(?:(?:saisissez |entrez |indiquez )?votre )?(?:adresse )?(?:e-?mail|courriel|électronique)",
        r"(?:je m'|s')(?:inscris|inscrire|abonne)(?: gratuitement)?|inscrivez-vous(?: gratuitement| ici)?|valider",
    ),
    "cookies": (
        r"(?:tout |je )?(?:accepter?|refuser?)(?: tout| et (?:continuer|fermer)| (?:tous )?les cookies)?|j'accepte",
        r"nous respectons votre vie privée|continuer sans accepter|(?:paramétrer|gérer|personnaliser)(?: les| mes| vos)? (?:cookies|choix|préférences)",
        r"politique de (?:confidentialité|cookies)|gestion des cookies|vos choix de confidentialité",
    ),
    "published": (
        rf"(?:par {_AUTHORS}[\s,|·•–—-]+)?(?:{_STAMP}\s?)?{_WHEN}(?:{_MORE_STAMPS})?|{_HOUR}[\s,|–—-]+{_DATE}",
        rf"{_STAMP}\s?{_WHEN}[\s,.|–—-]+{_STAMP}\s?{_WHEN}",
    ),
    "credit": (
        rf"(?:photos? )?{_NAMES}\s?[/|]\s?{_PHOTO_AGENCY}|(?:photos? )?{_PHOTO_AGENCY}\s?/\s?{_NAMES}",
        rf"(?:photos?|image) (?:d'illustration|d'archives|{_PHOTO_AGENCY})|(?-i:Getty Images|Shutterstock)(?:/\w+)?",
        rf"photos? (?:archives {_NAMES}|(?:archives )?{_NAMES}\s?/\s?{_NAMES})",
        r"capture d'écran.{0,40}",
    ),
    "agency": (
        rf"{_AGENCY}(?:\s?[/,-]\s?(?:{_AGENCY}|(?-i:[A-Z]{{2,5}}))){{0,3}}",
        rf"(?:la rédaction|{_NAMES}|\w+[.](?:fr|com)),?\s?\(?(?:avec|et|/) ?\s?{_AGENCIES}",
    ),
    "subscription": (
        rf"(?:article |contenu )?(?:réservée?|exclusif) {_SUBSCRIBERS}|article (?:abonné|payant|premium)|premium",
        r"(?:s'abonner|je m'abonne|abonnez-vous)(?: (?:dès|à partir de) .{1,40})?|se connecter|créer un compte",
    ),
    "advertising": (
        r"publicité|annonces?|(?:contenu|article) (?:sponsorisé|partenaire)|publi-?(?:rédactionnel|reportage)",
        r"la suite (?:de l'article )?après (?:la|cette) publicité",
    ),
    "byline": (
        rf"(?:(?:textes?|reportage|enquête|récit|interview) (?:de|par)|par) {_AUTHORS}(?:,? (?:à|avec) {_NAMES})?",
        rf"par la rédaction(?: de {_NAMES})?|textes?\s?:\s?{_AUTHORS}(?:[.,;/]? photos?\s?:\s?{_AUTHORS})?",
        rf"(?:par )?(?:{_AUTHORS},? )?(?:de )?(?:notre |nos )?(?:envoyé|correspondant)e?s?(?: spéci\w+)? "
        rf"(?:à|en|au|aux) {_NAMES}(?:,? {_AUTHORS})?",
    ),
    "navigation": (
        r"retour (?:à l'accueil|au sommaire|en haut)[^.!?]{0,20}|haut de (?:la )?page|articles? (?:suivant|précédent)",
        r"tous droits réservés|signaler une erreur(?: dans cet article)?|(?:voir|afficher|charger) plus(?: d'\w+)?|diaporama|agrandir l'image|accueil|menu|fermer|rechercher",
        r"(?:tags?|mots?[ -]clés?|thèmes?|rubriques?|étiquettes?)\s?:\s?[^.!?]{1,160}",
        r"accueil(?:\s?[>»/›]\s?[^.!?>»/›]{1,40}){1,5}",
    ),
}

# What is residue in brackets after a sentence: « … (avec AFP) », « … (Photo X/AFP). »
_TAILS: dict[str, tuple[str, ...]] = {
    "agency": (rf"(?:avec |sources?\s?:?\s?|d'après )?{_AGENCIES}", rf"{_NAMES},? avec {_AGENCIES}"),
    "credit": (
        rf"(?:photos?|crédits?|image|illustration)(?: photos?)?"
        rf"(?:\s?[:/©].{{1,70}}| ci-\w+| d'archives| {_NAMES}.{{0,50}})?",
        rf"©.{{1,70}}|{_NAMES}\s?/\s?{_PHOTO_AGENCY}",
    ),
    "read-also": (
        r"(?:re)?(?:lire|voir) (?:aussi|également|ci-\w+|(?:en )?pages? \d+|par ailleurs|notre|nos|(?:l')?encadré|"
        r"l'article)\b.{0,70}",
    ),
    "published": (rf"{_STAMP}\s?{_WHEN}",),
}

_TAIL = re.compile(r"[(\[]([^()\[\]]{2,90})[)\]][\s.]*\Z")
_NO_WORDS = re.compile(r"[\W_]+")
_LIST_HEAD = re.compile(
    r"\W*(?:(?:[àa] )?(?:lire|voir)(?: aussi| également)?|(?:nos |les )?(?:autres )?articles [\w ]+|"
    r"sur le même (?:sujet|thème)|pour aller plus loin|vous aimerez aussi|les plus lus)\s?\W*",
    re.IGNORECASE,
)


def _compiled(*tables: dict[str, tuple[str, ...]]) -> re.Pattern[str]:
    """One expression for all rules of the tables; the group that matched names the kind."""
    groups: list[str] = []
    for table in tables:
        for kind, rules in table.items():
            groups.append(f"(?P<{kind.replace('-', '_')}{len(groups)}>{'|'.join(rules)})")
    # Bullets and arrows may stand around it. Quotation marks may not: what stands in them is somebody's words.
    pattern = rf"[^\w«\"“©]*(?:{'|'.join(groups)})[^\w»\"”]*"
    return re.compile(pattern.replace(" ?", r"\s*").replace(" ", r"\s+"), re.IGNORECASE)


_SENTENCE_RULES = _compiled(_SENTENCES)
_LINE_RULES = _compiled(_SENTENCES, _LINES)
_TAIL_RULES = _compiled(_TAILS)


def kind_of_line(text: str) -> str:
    """The kind of web leftover that a whole line (a paragraph, a heading) is; '' if it is none."""
    return _kind(_LINE_RULES, text)


def kind_of_sentence(text: str) -> str:
    """The kind of web leftover that a sentence inside a paragraph is; '' if it is none."""
    return _kind(_SENTENCE_RULES, text)


def tail_of_sentence(text: str) -> tuple[int, str]:
    """Finds a web leftover in brackets at the end of a sentence, as « (avec AFP) ».

    Returns:
        Where it begins and its kind; the length of the text and '' if there is none.
    """
    if text[-2:].rstrip(".")[-1:] in (")", "]") and (tail := _TAIL.search(text, max(0, len(text) - 100))):
        kind = _kind(_TAIL_RULES, tail.group(1))
        # « l'Agence France-Presse (AFP). » explains an abbreviation; « …, a-t-il dit. (AFP) » names the source.
        explains = (
            kind == "agency" and " " not in tail.group(1) and text[: tail.start()].rstrip()[-1:] not in tuple(".!?…")
        )
        if kind not in ("", "separator") and not explains:
            return tail.start(), kind
    return len(text), ""


def opens_list(text: str) -> bool:
    """Whether the line only announces the links below it (« Lire aussi : »)."""
    return len(text) <= _LONGEST and _LIST_HEAD.fullmatch(text) is not None


def _kind(rules: re.Pattern[str], text: str) -> str:
    """Name of the rule that describes the text as a whole."""
    if len(text) > _LONGEST:
        return ""
    if _NO_WORDS.fullmatch(text):
        return "separator"
    match = rules.fullmatch(text.replace("’", "'"))
    return match.lastgroup.rstrip("0123456789").replace("_", "-") if match and match.lastgroup else ""
