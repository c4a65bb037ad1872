"""What a reviewer's note asks for, as far as it can be recognised in six languages. Pure.

A note is a person's wish, matched by words and never executed: it may change tone, language, length, which known
facts are stated, or which allowed action is proposed. What is not recognised is shown to the next reviewer as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.action import CATALOGUE


@dataclass(frozen=True, slots=True)
class Instructions:
    """What was recognised; None, False or () where the note does not say. `action` is a name of the catalogue."""

    tone: str | None = None
    language: str | None = None
    short: bool = False
    mention: tuple[str, ...] = ()
    action: str | None = None

    @property
    def recognised(self) -> tuple[str, ...]:
        """In words, for the findings."""
        said = [f"tone: {self.tone}"] if self.tone else []
        said += [f"language: {self.language}"] if self.language else []
        said += ["shorter"] if self.short else []
        said += [f"mention: {name.replace('_', ' ')}" for name in self.mention]
        said += [f"action: {self.action}"] if self.action else []
        return tuple(said)


# Less of one tone is more of the other, so those come first.
_TONES = (
    ("friendly", r"less firm|not so firm|too firm|too harsh|too hard|weniger (?:streng|hart)|zu (?:streng|hart|scharf)|"
                 r"moins ferme|trop (?:ferme|dur)|menos (?:firme|dur)|demasiado (?:firme|dur)|meno (?:fermo|dur)|"
                 r"troppo (?:fermo|dur)|minder (?:streng|hard)|te (?:streng|hard)"),
    ("firm", r"less friendly|too friendly|too soft|weniger freundlich|zu (?:freundlich|weich|nett)|trop aimable|"
             r"demasiado amable|troppo gentile|te vriendelijk"),
    ("final", r"final|last reminder|last warning|ultimatum|letzte (?:mahnung|warnung)|dernier rappel|"
              r"último (?:aviso|recordatorio)|ultimo sollecito|laatste (?:aanmaning|herinnering)"),
    ("friendly", r"friendl|politer|more polite|softer|kinder|warmer|gentler|freundlich|höflich|netter|aimable|poli\b|"
                 r"plus doux|amable|cortés|gentil|cortes|vriendelijk|beleefd"),
    ("firm", r"\bfirm|stricter|sterner|tougher|stronger|more direct|insist|streng|bestimmt|deutlicher|nachdrücklich|"
             r"ferme|insist|firme|fermo|decis[oa]|strenger|dringend"),
    ("neutral", r"neutral|matter[- ]of[- ]fact|sachlich|neutre|neutr[oa]|zakelijk"),
)  # fmt: skip
_LANGUAGES = (
    ("en", r"in english|auf englisch|en anglais|en inglés|in inglese|in het engels"),
    ("de", r"in german|auf deutsch|en allemand|en alemán|in tedesco|in het duits"),
    ("fr", r"in french|auf französisch|en français|en francés|in francese|in het frans"),
    ("es", r"in spanish|auf spanisch|en espagnol|en español|in spagnolo|in het spaans"),
    ("it", r"in italian|auf italienisch|en italien\b|en italiano|in italiano|in het italiaans"),
    ("nl", r"in dutch|auf niederländisch|auf holländisch|en néerlandais|en neerlandés|en holandés|in olandese|"
           r"in het nederlands"),
)  # fmt: skip
_SHORT = r"shorter|too long|more concise|briefer|be brief|kürzer|zu lang|knapper|plus court|trop long|más corto|" \
         r"más breve|demasiado larg|più (?:corto|breve)|troppo lung|korter|te lang"  # fmt: skip
_SAY = r"mention|state|\badd\b|include|refer to|quote|nenn|erwähn|angeben|hinweis|ergänz|indiqu|ajout|précis|" \
       r"mencion|indic|añad|menzion|aggiung|vermeld|noem|toevoeg"  # fmt: skip
_FACTS = (
    ("due_date", r"due date|fällig|échéance|vencimiento|scadenza|vervaldatum"),
    ("invoice_date", r"invoice date|date of the invoice|rechnungsdatum|date de (?:la )?facture|"
                     r"fecha de (?:la )?factura|data (?:della )?fattura|factuurdatum"),
    ("order", r"\border|\bpo\b|bestell|commande|pedido|ordine"),
    ("amount", r"amount|\bsum\b|betrag|summe|montant|importe|importo|bedrag"),
)  # fmt: skip
_INSTEAD = r"instead|rather|stattdessen|lieber|plutôt|à la place|en (?:su )?lugar|más bien|invece|piuttosto|" \
           r"in plaats daarvan|liever"  # fmt: skip
_ACTIONS = (
    ("request_credit_note", r"credit note|gutschrift|\bavoir\b|nota de abono|nota di credito|creditnota"),
    ("hold_payment", r"\bhold|block the payment|zurückhalt|sperr|bloqu|retener|blocc|tegenhoud|blokke"),
    ("schedule_call", r"\bcall|phone|anruf|telefon|appel|llam|chiam|\bbel"),
    ("wait_until", r"\bwait|abwarten|warten|attendre|esperar|aspett|wacht"),
    ("mark_duplicate", r"duplicate|doppelt|dublette|doublon|duplicad|duplicat|dubbel"),
    ("open_dispute", r"dispute|reklam|streitfall|litige|disputa|contestaz|geschil"),
    ("escalate_to_collections", r"collections|inkasso|recouvrement|cobranza|recupero|incasso"),
    ("route_for_approval", r"approval|freigabe|genehmig|approbation|aprobación|approvazione|goedkeur"),
    ("request_purchase_order", r"purchase order|bestellnummer|numéro de commande|número de pedido|numero d'ordine|"
                               r"bestelnummer"),
    ("send_customer_reminder", r"remind|erinner|mahn|rappel|recordatorio|sollecito|herinnering"),
    ("refer_to_person", r"refer|a person|einem menschen|une personne|una persona|iemand"),
)  # fmt: skip


def _first(choices: tuple[tuple[str, str], ...], note: str) -> str | None:
    return next((name for name, pattern in choices if re.search(pattern, note)), None)


def _named_action(note: str) -> str | None:
    """An action by its own name, or in words where the note asks for something else `instead`."""
    named = next((name for name in CATALOGUE if re.search(rf"\b{name}\b", note)), None)
    if named is None and re.search(_INSTEAD, note):
        named = _first(_ACTIONS, note)
    return named


def read_notes(notes: Sequence[str]) -> Instructions:
    """All notes on one case, oldest first: what a later one does not say stays as an earlier one wanted it."""
    whole = Instructions()
    for note in notes:
        said = read_note(note)
        whole = Instructions(
            tone=said.tone or whole.tone,
            language=said.language or whole.language,
            short=said.short or whole.short,
            mention=tuple(dict.fromkeys((*whole.mention, *said.mention))),
            action=said.action or whole.action,
        )
    return whole


def read_note(note: str) -> Instructions:
    """The instructions in one reviewer's note; everything empty where none is recognised."""
    text = " ".join(note.casefold().split())
    says = re.search(_SAY, text) is not None
    return Instructions(
        tone=_first(_TONES, text),
        language=_first(_LANGUAGES, text),
        short=re.search(_SHORT, text) is not None,
        mention=tuple(name for name, pattern in _FACTS if says and re.search(pattern, text)),
        action=_named_action(text),
    )
