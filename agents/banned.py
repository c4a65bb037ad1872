"""What no letter of ours may say, whoever wrote it and wherever the words came from. Patterns over six languages.

Words are no proof: a sentence can be turned so that no list knows it. That is why no document reaches whoever writes
a letter, and why a language model only fills slots from known words (agents.slots). This list is the second line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LINK = re.compile(
    r"https?:|www\.|://|\b[a-z0-9-]+\.(?:com|net|org|info|biz|io|eu|de|fr|es|it|nl|uk|ch|at|be|ru|cn|xyz|top|site|online|"
    r"example|app|dev|me|co|ai|tk|link|click|shop|store|test|pay|bank|finance|cloud|page|live|pro|us|pl|cz|pt|ie)\b|"
    r"\b[^\W\d_][\w-]+\.[^\W\d_]{2,}\b|xn--|\b\d{1,3}(?:\.\d{1,3}){3}\b|\[[^\]]*\]\(|<[a-z/!][^>]*>|\b(?:tel|mailto|javascript|data|ftp|sms):",
    re.IGNORECASE,
)
BANK = re.compile(
    r"\biban\b|\bbic\b|\bswift\b|sort code|routing number|account number|bank (?:details|account|data|transfer)|"
    r"pay(?:ment)? (?:to|into) (?:the|our|this|a) (?:new|following|other)|new account|remittance (?!advice)|\bremit\b|"
    r"beneficiar|\bpayee\b|\bwire\b|bitcoin|\bbtc\b|\busdt\b|crypto|krypto|paypal|western union|gift ?card|"
    r"(?:payment|banking|settlement|transfer|deposit) (?:details|instructions|information|coordinates)|"
    r"bankverbindung|kontoverbindung|kontonummer|bankkonto|neues konto|neue konto|bankdaten|zahlungsdaten|"
    r"zahlungsverbindung|zahlungsempfänger|überweis|begünstigte|"
    r"coordonn[ée]es bancaires|compte bancaire|num[ée]ro de compte|nouveau compte|\brib\b|virement|b[ée]n[ée]ficiaire|"
    r"coordonn[ée]es de paiement|domiciliation|"
    r"datos bancarios|cuenta bancaria|n[úu]mero de cuenta|nueva cuenta|transferencia|datos de pago|"
    r"coordinate bancarie|conto (?:bancario|corrente)|numero di conto|nuovo conto|bonific|coordinate di pagamento|"
    r"bankgegevens|bankrekening|rekeningnummer|nieuwe rekening|overmak|overboek|betaalgegevens|begunstigd",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\bnew\b|\bchang(?:e|ed|es|ing)\b|\bupdat|\bswitch|\brevised\b|\bdifferent\b|\breplac|\bmoved\b|\binstead\b|"
    r"from now on|going forward|henceforth|\bredirect|\bupdate\b|"
    r"\bneue[nrms]?\b|geändert|\bänder|umgestellt|aktualisiert|gewechselt|künftig|ab sofort|stattdessen|umgezogen|"
    r"\bnouve(?:au|l|lle|lles|aux)\b|chang[ée]|modifi|mis(?:es)? à jour|désormais|dorénavant|à l'avenir|"
    r"\bnuev[oa]s?\b|cambi|actualiz|modific|en adelante|a partir de ahora|en su lugar|"
    r"\bnuov[oaie]\b|aggiorna|d'ora in poi|d'ora in avanti|\binvece\b|"
    r"\bnieuwe?\b|gewijzigd|veranderd|bijgewerkt|voortaan|vanaf nu|in plaats daarvan",
    re.IGNORECASE,
)
_PAYING = re.compile(
    r"\baccount\b|\baccounts\b|\bbank|\bpay\b|\bpaid\b|payments?\b|\bsettle|\btransfer|instructions|\bdetails\b|"
    r"\bkonto|zahl(?:en|ung)|begleich|entricht|"
    r"\bcompte\b|\bcomptes\b|banque|bancaire|paiement|\bpay(?:er|ez)\b|règle(?:r|z|ment)|coordonnées|"
    r"cuenta|banco|bancari|\bpag(?:o|os|ar|ue|uen|ados?|arse)\b|abon(?:ar|e|en)\b|\bdatos\b|"
    r"\bconto\b|\bconti\b|banca|pagament|\bpagare\b|versa|coordinate|"
    r"rekening|betal(?:en|ing|ingen)|\bbetaal|voldoen|gegevens",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\bwe(?: will|'ll|’ll| shall| are going to| promise to| undertake to| agree to| commit to) (?!not )(?:\w+ )?"
    r"(?:pay|settle|transfer|release|reimburse|refund|compensate|waive|accept|credit|cancel|write off|approve)\b|"
    r"\bguarantee|\bwe promise|you (?:will|shall) (?:be paid|receive (?:the |your |our )?(?:payment|money|refund))|"
    r"(?:payment|refund|amount) (?:will|shall) be (?:made|paid|released|executed|issued|transferred)|legally binding|"
    r"\b(?:is|are|was|were|has been|have been) approved|accept (?:full )?liability|we waive|"
    r"\bwir (?:werden [^.\n]{0,60})?(?:zahlen|bezahlen|erstatten|begleichen|verzichten|garantieren|versprechen|"
    r"verpflichten|freigeben)\b(?! nur)|zusicher|sichern ihnen|ist freigegeben|wird (?:bezahlt|erstattet|freigegeben)|"
    r"nous (?:payerons|paierons|réglerons|rembourserons|garantissons|promettons|engageons|renonçons)|est approuvée?|"
    r"sera (?:payée?|réglée?|remboursée?)|"
    r"(?<!no )(?:pagaremos|abonaremos|reembolsaremos)|garantizamos|prometemos|nos comprometemos|renunciamos|"
    r"será (?:pagad|abonad|reembolsad)|está aprobad|"
    r"(?<!non )(?:pagheremo|salderemo|rimborseremo)|garantiamo|promettiamo|ci impegniamo|rinunciamo|"
    r"sarà (?:pagat|saldat|rimborsat)|è (?:stata |stato )?approvat|"
    r"zullen (?!niet)[^.\n]{0,40}betalen|garanderen|beloven|verbinden ons|wordt betaald|is goedgekeurd|terugbetal",
    re.IGNORECASE,
)
_THREAT = re.compile(
    r"legal (?:action|steps|proceedings|measures)|lawyer|attorney|solicitor|\bcourt\b|lawsuit|\bsue\b|prosecut|police|"
    r"criminal|blacklist|penalt(?:y|ies)|bailiff|debt collect|collection agency|\bseize|credit bureau|report you|"
    r"consequences|suspend|terminat|or else\b|"
    r"rechtsanw|\banwalt|gerichtlich|\bgericht\b|\bklage|verklag|strafanzeige|polizei|inkasso|vertragsstrafe|"
    r"mahnbescheid|konsequenzen|vollstreck|schufa|kündig|"
    r"avocat|tribunal|en justice|poursuites|huissier|judiciaire|pénalit|contentieux|mise en demeure|plainte|résili|"
    r"abogad|demanda\b|judicial|policía|penaliz|embarg|acciones legales|denuncia|morosos|rescind|"
    r"avvocat|vie legali|azioni legali|giudizi|polizia|\bpenali\b|ingiunti|querela|risoluzione del contratto|"
    r"advocaat|rechtbank|\brechter\b|juridische|gerechtelijk|dagvaard|politie|\bboetes?\b|incassobureau|deurwaarder|"
    r"aangifte bij",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|skip)\b [^.\n]{0,40}(?:instruction|rule|polic|above|previous|prompt|"
    r"review|approval|check)|system prompt|\bas an ai\b|language model|pre-?approved|requires_human|"
    r"\bapprove (?:the|this|all|it|every)|release (?:the )?(?:payment|funds|money)|no (?:further )?approval|"
    r"do not (?:tell|inform|contact|call|verify|record|log)|keep (?:this|it) (?:confidential|secret)|"
    r"\b(?:ignorier\w*|missacht\w*|umgehen|umgeht) |freigabe erteil|ohne freigabe|"
    r"ignorez|ne tenez pas compte|sans validation|approuvez|"
    r"ignor[ea]n? |haga caso omiso|sin aprobación|apruebe|"
    r"ignorate|ignora |senza approvazione|approvate|"
    r"negeer|zonder goedkeuring|keur (?:het|de|deze) ",
    re.IGNORECASE,
)
_FIRM = re.compile(
    r"without (?:further )?delay|immediately|at once|last reminder|final notice|last warning|unacceptable|\burgent|"
    r"unverzüglich|sofort\b|letzte mahnung|dringend|immédiatement|sans délai|dernier rappel|inmediat|sin demora|"
    r"último (?:aviso|recordatorio)|immediatamente|senza indugio|ultimo sollecito|onmiddellijk|laatste aanmaning",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"last reminder|final notice|last warning|letzte mahnung|letzte warnung|dernier rappel|"
    r"último (?:aviso|recordatorio)|ultimo sollecito|laatste aanmaning",
    re.IGNORECASE,
)
_RUDE = re.compile(
    r"\b(?:idiot|stupid|liars?|incompetent|shame|ridiculous|dumm|lügner|unfähig|menteur|ridicule|estúpid\w*|mentiros\w*|"
    r"ridicol\w*|bugiard\w*|stom|leugenaar)\b|!",
    re.IGNORECASE,
)
_SHOUT = re.compile(r"\b[^\W\d_a-zà-öø-ÿ]{5,}\b")
_FIRM_NAME = re.compile(
    r"\b(?:GmbH|UG|KGaA|OHG|S\.?A\.?R\.?L|SAS|Ltd|LLC|Inc|Corp|S\.?p\.?A|S\.?r\.?l|B\.V|N\.V|plc)\b"
)
_PERSON = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Herrn?|Frau|Mme|Mlle|Sig|Sig\.ra|Sra?|Dhr|dhr|Mevr|mevr)\b\.? [A-ZÀ-Þ][a-zà-ÿ]+"
)


def is_banned(text: str) -> bool:
    """True for a text that names a link or bank details."""
    plain = unicodedata.normalize("NFKC", text)
    return LINK.search(plain) is not None or BANK.search(plain) is not None


def foreign_script(text: str) -> str | None:
    """The first letter that is not Latin, which a reader may take for one that is; None where all are."""
    return next((one for one in text if one.isalpha() and "LATIN" not in unicodedata.name(one, "")), None)


def said_amiss(text: str, tone: str | None = None) -> Iterator[tuple[str, str]]:
    """(what, the words) of everything in `text`, a letter without its facts, that is banned.

    `tone` is the tone that the letter was to have: a friendly letter is not firm, only a final one is a last reminder.
    """
    for what, pattern in (("link", LINK), ("bank details", BANK), ("promise", _PROMISE), ("threat", _THREAT),
                          ("instruction", _COMMAND), ("tone", _RUDE), ("tone", _SHOUT), ("name", _FIRM_NAME),
                          ("name", _PERSON)):  # fmt: skip
        yield from ((what, found[0][:60]) for found in pattern.finditer(text))
    for sentence in re.split(r"[.!?\n]", text):
        if _CHANGE.search(sentence) and (found := _PAYING.search(sentence)):
            yield "payment details", found[0]
    if tone is not None and tone != "final":
        unfit = _FINAL if tone == "firm" else _FIRM
        yield from (("tone", found[0]) for found in unfit.finditer(text))
