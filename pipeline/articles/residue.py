"""Recognises web leftovers: what a page puts around and into an article, and nobody states.

Every rule describes a whole line, a whole sentence, or a bracket at the end of a sentence, never a word in it. So a
sentence that merely talks about Facebook, photographs or newsletters stays a statement; where in doubt, all does.

A rule is one line of a table: a regular expression for the whole text, written for the eye. A space stands for any
white space, ``' ?'`` for perhaps some, an apostrophe for both its forms, parentheses group without capturing, and
``<name>`` inserts one of the parts. Words match in any case, ``<name>`` and ``<names>`` only with capitals.
"""

import re

_LONGEST = 300
"""Characters beyond which a line or a sentence is never residue."""

_PARTS = {
    "month": "(janv(ier|[.])?|f[ée]vr?(ier|[.])?|mars|avr(il|[.])?|mai|juin|juil(let|l?[.])?|ao[uû]t|"
    "sept(embre|[.])?|oct(obre|[.])?|nov(embre|[.])?|d[ée]c(embre|[.])?)",
    "weekday": "(lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)",
    "date": r"((<weekday>,? )?\d{1,2}(er)? <month>( \d{4})?|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2}|hier|"
    "aujourd'hui)",
    "hour": r"\d{1,2} ?[h:] ?(\d{2})?",
    "moment": r"((le )?<date>(,? ?(à |[-–—|·] ?)?<hour>)?|il y a \d+ \w+|à <hour>)",
    "stamp": "((article |texte )?(publiée?|postée?|mise? (à jour|en ligne)|modifiée?|actualisée?|créée?)|publication|"
    "(dernière )?(mise à jour|modification|actualisation))( le)? ?:? ?",
    "name": r"(?-i:[A-ZÀ-Ý][\w'.-]*)",
    "names": "<name>( (d[eu] |des |la |le )?<name>){0,4}",
    "authors": "<names>((, | et | avec )<names>){0,4}",
    "reporter": r"(envoyé|correspondant)e?s?( spéci\w+)?",
    "stamps": r"[\s,|·•–—-]*\(?(par <authors>|(et )?<stamp><moment>)\)?",
    "agency": "(?-i:AFP|Reuters|REUTERS|AP|EFE|ANSA|DPA|dpa|Belga|ATS|Keystone-ATS|Bloomberg|6Medias)",
    "agencies": "(l'|les |nos )?(<agency>|agences?)( ?(,|/|-|et) ?(l')?(<agency>|agences?)){0,3}",
    "photo agency": "(<agency>|(?-i:Getty( Images)?|Shutterstock|S(ipa|IPA)( Press)?|Abaca(press)?|MAXPPP|Adobe ?Stock|"
    "[iI]Stock|Unsplash|Pixabay|Bestimage|Wikimedia( Commons)?|EPA|REA|DR))",
    "network": "((?-i:X)|facebook|twitter|linkedin|whatsapp|messenger|telegram|instagram|pinterest|reddit|tiktok|"
    "bluesky|mastodon|threads|youtube|snapchat|e-?mail|courriel|sms)",
    "networks": "(<network>(( ?[,/|·•-] ?| et | ou | )<network>){0,9}|les réseaux sociaux)",
    "letter": r"(newsletters?|infolettres?|lettres? d'informations?|alertes?( e-?mail)?)\b",
    "subscribe": "((abonn|inscriv)ez-vous|s'(abonner|inscrire)|je m'(abonne|inscris))",
    "piece": "(cet |cette |l'|la |le |ce )(article|page|actualité|information|info|vidéo|contenu|publication)",
    "purpose": r".{0,60}\b(cookies|traceurs)\b.{0,40}\b(pour|afin|nécessaires|à des fins)\b.{0,160}",
    "subscribers": r"(aux|à nos|pour les|pour nos) abonnés\b",
    "read": "(re)?(lire|voir|écouter|regarder)",
    "our": "((re)?lisez|(re)?voyez|retrouvez|consultez) (ici )?(tous |toutes )?(nos|notre) (autres? )?",
}
"""What rules are made of; a part may use the ones above it."""

_SENTENCES = {
    "read-also": r"""
        ([àa] )?<read> (aussi|également)
        ([àa] )?<read> (aussi|également) ?[\]:>→|].{1,200}
        ([àa] )?<read> (aussi|également) ?[-–—]? ?(?-i:[A-ZÀ-Ý«"“]).{1,200}
        [àa] (<read>|découvrir) ?[:>→|].{1,200}
        ([àa] )?<read> (aussi |également )?(nos|notre|l'(article|encadré)|ci-(contre|dessous)|(en )?pages? \d+)\b.{0,80}
        <our>(articles?|dossiers?|enquêtes?|direct|reportages?|podcasts?|vidéos?|analyses?|édition)\b.{0,100}
    """,
    "share": r"""
        (partage[rz]|envoye[rz]|tweete[rz]|recommande[rz])( <piece>)? (sur|par|via|avec) (<networks>|(un|vos) amis?)
        (vous avez aimé cet article ?\? ?)?partagez-l[ea]( sur <networks>)?
        (suivez|retrouvez|rejoignez)-nous (aussi |également )?sur <networks>
    """,
    "comments": r"""
        (laisse[rz]|ajoute[rz]|poste[rz]|publie[rz]|écri(re|vez)) (un|votre) commentaire
        soyez le premier à (commenter|réagir|laisser|donner)\b.{0,40}
        (connect|inscriv|identifi)ez-vous (pour|afin de) (pouvoir )?(commenter|réagir|participer|répondre)\b.{0,60}
        vous devez (être connectée?|vous connecter) (pour|afin de) .{1,80}
        votre adresse (e-?mail|de messagerie|électronique) ne sera pas publiée
        les champs obligatoires sont indiqués\b.{0,20}
        les commentaires sont (fermés|désactivés|clos)\b.{0,30}
    """,
    "newsletter": r"""
        .{0,60}<subscribe> (gratuitement )?(à|aux) (la |nos |notre |cette )?<letter>.{0,150}
        (chaque \w+, |gratuitement, )?rece(vez|voir) .{0,150}\b(<letter>|e-?mails?\b|boîte mail\b).{0,80}
        (chaque \w+, )?recevez (chaque |tous les |gratuitement |l').{0,80}\b(essentiel|actualités?|infos?)\b.{0,80}
        (en (validant|vous inscrivant),|votre adresse( e-?mail)? (est|sera)) .{0,150}\b<letter>.{0,80}
        vous pouvez (à tout moment )?vous désinscrire\b.{0,120}
        merci\W+votre inscription (est|a bien été)\b.{0,40}
    """,
    "cookies": r"""
        (en cliquant sur .{1,40}, vous (acceptez|consentez)|ce contenu est bloqué)\b.{0,100}\bcookies\b.{0,80}
        (nous|ce site|notre site)( et nos( \d+)? partenaires)? (utilis|dépos|stock)(e|ons|ent) <purpose>
        en (poursuivant|continuant) (votre|sur|la|à) .{0,60}\bvous (les )?acceptez\b.{0,160}
    """,
    "published": r"""
        <stamp>(le )?<date>(,? ?(à |[-–—|·] ?)?<hour>|(?<=\d{4}))(<stamps>)?
    """,
    "credit": r"""
        (©|\(c\)|copyright\b|crédits?[ -](photos?|images?|vidéos?)\b).{1,120}
        crédits? ?[:©] ?©? ?<names>( ?[/,|-] ?<names>){0,3}
        (photos?|illustrations?)( d'archives| d'illustration)? ?[:©/] ?(?-i:[A-ZÀ-Ý©\d]).{1,120}(?<![.!?])
        [^.!?©]{3,160} © ?[^©]{1,60}
    """,
    "agency": r"""
        avec <agencies>
        sources? ?:? ?<agencies>
    """,
    "subscription": r"""
        (<piece>|la suite( de cet article)?) est (réservée?|accessible) (uniquement )?<subscribers>.{0,60}
        il vous reste \d+([.,]\d+)? ?% de (cet|ce) \w+ à lire\b.{0,80}
        abonnez-vous (pour (lire|accéder|continuer|découvrir|profiter)|(dès|à partir de) \d).{0,100}
        (profitez|testez|offre)\b.{0,60}\d ?(€|euros?) (par mois|le premier mois|sans engagement)\b.{0,40}
        (vous avez )?déjà (abonnée?|un compte) ?\?( (se connecter|connectez-vous|identifiez-vous))?
    """,
    "byline": r"""
        (propos )?recueillis? par <authors>
    """,
    "navigation": r"""
        ce texte (est|correspond à) une partie de la (re)?transcription du reportage\b.{0,30}
        cliquez (ici|sur (la |l')(vidéo|image|photo)( ci-\w+)?) pour (la |l'|le )?<read>\b.{0,60}
    """,
}
"""What is residue also as a sentence inside a paragraph."""

_LINES = {
    "read-also": r"""
        (lire|voir|relire) ?:.{1,200}
        lire (la suite|plus)|(pour )?en savoir plus|pour aller plus loin|à ne pas manquer|les plus lus
        sur le même (sujet|thème)|dans la même rubrique|notre (dossier|sélection)|vous aimerez aussi
        (nos |les )?(autres )?(articles|thèmes) (liés|similaires|associés|recommandés|sur [lc]e sujet|les plus lus)
        <read> (l'article( complet)?|la vidéo|le podcast|l'émission)
    """,
    "share": r"""
        (partage[rz]|envoye[rz]|tweete[rz]|imprime[rz]|enregistre[rz]|sauvegarde[rz])( <piece>| via)?|partages?
        (partage[rz] )?<networks>|copier le lien|lien copié|j'aime|ajouter aux favoris
    """,
    "counts": r"""
        (\d[\d\s.,]*k? ?(partages?|commentaires?|vues?|j'aime|likes?|réactions?|abonnés|lectures?)\W{0,3}){1,4}
        (partages?|commentaires?|vues|réactions?) ?(: ?\d+|\(\d+\))
        ((temps de )?lecture|durée) ?:? ?(environ )?\d+ ?(min|mn)\w*
        \d+ ?(min|mn)\w*( de lecture)?
    """,
    "comments": r"""
        ((voir|lire|afficher) )?(tous )?(les )?(\d+ )?commentaires?( récents| fermés)?|aucun commentaire
        (réagir|commenter|réagissez)( à)?( cet article)?( \(\d+\))?
        répondre|signaler (un abus|ce commentaire)|votre réaction
    """,
    "newsletter": r"""
        (la |notre |nos |les )?<letter>( (gratuite|quotidienne|hebdomadaire|du \w+|de la rédaction))?( ?:.{0,80})?
        rece(vez|voir) (la |notre |nos )?<letter>
        ((saisissez |entrez |indiquez )?votre )?(adresse )?(e-?mail|courriel|électronique)
        (je m'|s')(inscris|inscrire|abonne)( gratuitement)?|inscrivez-vous( gratuitement| ici)?|valider
    """,
    "cookies": r"""
        (tout |je )?(accepter?|refuser?)( tout| et (continuer|fermer)| (tous )?les cookies)?|j'accepte
        (paramétrer|gérer|personnaliser)( les| mes| vos)? (cookies|choix|préférences)|gestion des cookies
        continuer sans accepter|nous respectons votre vie privée|politique de (confidentialité|cookies)
    """,
    "published": r"""
        (par <authors>[\s,|·•–—-]+)?(<stamp>)?<moment>(<stamps>)?
        <stamp><moment>[\s,.|–—-]+<stamp><moment>
        <hour>[\s,|–—-]+<date>
    """,
    "credit": r"""
        (photos? )?<names> ?[/|] ?<photo agency>|(photos? )?<photo agency> ?/ ?<names>
        (photos?|image) (d'illustration|d'archives|<photo agency>)|(?-i:Getty Images|Shutterstock)(/\w+)?
        photos? (archives <names>|(archives )?<names> ?/ ?<names>)|capture d'écran.{0,40}
    """,
    "agency": r"""
        <agency>( ?[/,-] ?(<agency>|(?-i:[A-Z]{2,5}))){0,3}
        (la rédaction|<names>|\w+[.](fr|com)),? ?\(?(avec|et|/) ?<agencies>
    """,
    "subscription": r"""
        (article |contenu )?(réservée?|exclusif) <subscribers>|article (abonné|payant|premium)|premium
        (s'abonner|je m'abonne|abonnez-vous)( (dès|à partir de) .{1,40})?|se connecter|créer un compte
    """,
    "advertising": r"""
        publicité|annonces?|(contenu|article) (sponsorisé|partenaire)|publi-?(rédactionnel|reportage)
        la suite (de l'article )?après (la|cette) publicité
    """,
    "byline": r"""
        ((textes?|reportage|enquête|récit|interview) (de|par)|par) <authors>(,? (à|avec) <names>)?
        par la rédaction( de <names>)?|textes? ?: ?<authors>([.,;/]? photos? ?: ?<authors>)?
        (par )?(<authors>,? )?(de )?(notre |nos )?<reporter> (à|en|au|aux) <names>(,? <authors>)?
    """,
    "navigation": r"""
        retour (à l'accueil|au sommaire|en haut)[^.!?]{0,20}|haut de (la )?page|articles? (suivant|précédent)
        accueil|menu|fermer|rechercher|diaporama|agrandir l'image|tous droits réservés|mentions légales
        signaler une erreur( dans cet article)?|(voir|afficher|charger) plus( d'\w+)?
        (tags?|mots?[ -]clés?|thèmes?|rubriques?|étiquettes?) ?: ?[^.!?]{1,160}
        accueil( ?[>»/›] ?[^.!?>»/›]{1,40}){1,5}
    """,
}
"""What is residue only as a line of its own: buttons, labels, boxes."""

_TAILS = {
    "agency": r"""
        (avec |sources? ?:? ?|d'après )?<agencies>
        <names>,? avec <agencies>
    """,
    "credit": r"""
        (photos?|crédits?|image|illustration)( photos?)?( ?[:/©].{1,70}| ci-\w+| d'archives| <names>.{0,50})?
        ©.{1,70}|<names> ?/ ?<photo agency>
    """,
    "read-also": r"""
        (re)?(lire|voir) (aussi|également|par ailleurs|notre|nos|ci-\w+|(en )?page \d+|(l')?encadré|l'article)\b.{0,70}
    """,
    "published": r"""
        <stamp><moment>
    """,
}
"""What is residue in brackets after a sentence: « … (avec AFP) », « … (Photo X/AFP). »"""

_LIST_HEADS = {
    "read-also": r"""
        ([àa] )?(lire|voir)( aussi| également)?
        (nos |les )?(autres )?articles [\w ]+
        sur le même (sujet|thème)|pour aller plus loin|vous aimerez aussi|les plus lus
    """,
}

_TAIL = re.compile(r"[(\[]([^()\[\]]{2,90})[)\]][\s.]*\Z")
_NO_WORDS = re.compile(r"[\W_]+")


def _compiled(*tables: dict[str, str]) -> re.Pattern[str]:
    """One expression for all rules of the tables; the named group that matched tells the kind."""
    groups = []
    for number, (kind, rules) in enumerate(item for table in tables for item in table.items()):
        alternatives = "|".join(line.strip() for line in rules.strip().splitlines())
        groups.append(f"(?P<{kind.replace('-', '_')}{number}>{_expanded(alternatives)})")
    # Bullets and arrows may stand around it. Quotation marks may not: what stands in them is somebody's words.
    return re.compile(rf"[^\w«\"“©]*(?:{'|'.join(groups)})[^\w»\"”]*", re.IGNORECASE)


def _expanded(rules: str) -> str:
    """Writes rules out as an ordinary regular expression."""
    for name, part in reversed(_PARTS.items()):
        rules = rules.replace(f"<{name}>", part)
    rules = re.sub(r"(?<!\\)\((?!\?)", "(?:", rules)
    return rules.replace(" ?", r"\s*").replace(" ", r"\s+")


_SENTENCE_RULES = _compiled(_SENTENCES)
_LINE_RULES = _compiled(_SENTENCES, _LINES)
_TAIL_RULES = _compiled(_TAILS)
_LIST_HEAD_RULES = _compiled(_LIST_HEADS)


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
        inside, before = tail.group(1), text[: tail.start()].rstrip()
        kind = _kind(_TAIL_RULES, inside)
        # « l'Agence France-Presse (AFP). » explains an abbreviation; « …, a-t-il dit. (AFP) » names the source.
        is_explanation = kind == "agency" and " " not in inside and not before.endswith((".", "!", "?", "…"))
        if kind not in ("", "separator") and not is_explanation:
            return tail.start(), kind
    return len(text), ""


def opens_list(text: str) -> bool:
    """Whether the line only announces the links below it (« Lire aussi : »)."""
    return _kind(_LIST_HEAD_RULES, text) == "read-also"


def _kind(rules: re.Pattern[str], text: str) -> str:
    """Name of the rule that describes the text as a whole."""
    if len(text) > _LONGEST:
        return ""
    if _NO_WORDS.fullmatch(text):
        return "separator"
    match = rules.fullmatch(text.replace("’", "'"))
    return match.lastgroup.rstrip("0123456789").replace("_", "-") if match and match.lastgroup else ""
