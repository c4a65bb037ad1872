"""What a person reads hides nothing, says numbers and times as they are, and never breaks on odd data."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from api.console import findings, override, plain
from api.console.override import Edited
from api.console.session import csrf_of
from governance.action import CATALOGUE, CHANGE
from tests.api.conftest import Api
from tests.api.visitor import filed, signed_in

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@settings(deadline=None)
@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    seen = plain.visible(text)
    assert not any(unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Cn") for one in seen if one not in "\n\t")
    seen.encode()
    assert plain.visible(seen) == seen


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_seen_stays_as_it_is(text: str) -> None:
    assert plain.visible(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"),
        ("a\u2066b\u2069", "a[U+2066]b[U+2069]"),
        ("zero\u200bwidth\ufeff", "zero[U+200B]width[U+FEFF]"),
        ("bell\x07\x1b[31m", "bell[U+0007][U+001B][31m"),
        ("\U000e0041tag", "[U+E0041]tag"),
        ("line\u2028end", "line[U+2028]end"),
        ("half\ud800", "half[U+D800]"),
        ("one\r\ntwo\rthree\ttab", "one\ntwo[U+000D]three\ttab"),
        ("Ärger, שלום, 请, é, 👍", "Ärger, שלום, 请, é, 👍"),
    ],
)
def test_visible(text: str, seen: str) -> None:
    assert plain.visible(text) == seen


def test_only_our_own_markup_passes() -> None:
    assert plain.shown(Markup("<b>")) == Markup("<b>")
    assert type(plain.shown("<b>")) is str
    assert (plain.shown(None), plain.shown(True), plain.shown(Decimal("1E+3"))) == ("", "yes", "1000")


@pytest.mark.parametrize(
    ("value", "currency", "words"),
    [
        (Decimal("1234567.5"), "EUR", "1,234,567.50 EUR"),
        (Decimal("-12"), "JPY", "-12 JPY"),
        (Decimal("1.5"), "KWD", "1.500 KWD"),
        (Decimal("7"), None, "7.00 of an unknown currency"),
        (None, "EUR", "unknown amount"),
    ],
)
def test_amount(value: Decimal | None, currency: str | None, words: str) -> None:
    assert plain.amount(value, currency) == words


@pytest.mark.parametrize(
    ("minutes", "words", "urgency"),
    [
        (0.5, "due in less than a minute", "soon"),
        (1, "due in 1 minute", "soon"),
        (119, "due in 119 minutes", "soon"),
        (180, "due in 3 hours", "soon"),
        (241, "due in 4 hours", "calm"),
        (47 * 60, "due in 47 hours", "calm"),
        (48 * 60, "due in 2 days", "calm"),
        (-30, "30 minutes late", "late"),
        (-60 * 24 * 9, "9 days late", "late"),
    ],
)
def test_due(minutes: float, words: str, urgency: str) -> None:
    at = NOW + timedelta(minutes=minutes)
    assert plain.due(at, NOW) == words
    assert plain.urgency(at, NOW) == urgency


def test_moments_are_utc() -> None:
    at = "2026-03-01T00:30:00.123456+02:00"
    assert plain.utc(at) == "28 Feb 2026, 22:30 UTC"
    assert plain.iso(at) == "2026-02-28T22:30:00Z"
    assert plain.iso(date(2026, 2, 3)) == "2026-02-03"
    assert plain.day(date(2026, 2, 3)) == "3 Feb 2026"


@pytest.mark.parametrize(
    ("name", "label", "phrase"),
    [
        ("accounts_payable", "Accounts payable", "accounts payable"),
        ("document_iban", "Document IBAN", "document IBAN"),
        ("ml_engineer", "ML engineer", "ML engineer"),
        ("", "", ""),
        ("x", "X", "x"),
    ],
)
def test_names(name: str, label: str, phrase: str) -> None:
    assert plain.label(name) == label
    assert plain.phrase(name) == phrase


def test_languages() -> None:
    assert (plain.language_name("de-AT"), plain.language_tag("de-AT")) == ("German", "de")
    for tag in ("xx", "", "d", "not a tag", "en\u202e", "../x"):
        assert plain.language_tag(tag) is None


def test_sizes_and_shares() -> None:
    assert (plain.size(999), plain.size(12_345), plain.size(2_500_000)) == ("999 bytes", "12 KB", "2.5 MB")
    assert (plain.percent(0.5), plain.percent(1), plain.percent(1.2), plain.percent("0.5")) == (
        "50 %",
        "100 %",
        None,
        None,
    )
    assert plain.percent(True) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
PARTS = (
    "why", "document", "duplicates", "risk", "cause", "precedents", "match", "alternatives", "reviewer_note", "other",
)  # fmt: skip
KEYS = ("facts", "fact", "primary", "checks", "name", "status", "reasons", "action", "note", "warnings", "probability")
NEAR = st.dictionaries(st.sampled_from(KEYS), JSON | st.lists(st.dictionaries(st.sampled_from(KEYS), JSON)), max_size=5)


@settings(deadline=None, max_examples=60)
@given(JSON | st.dictionaries(st.sampled_from(PARTS), JSON | NEAR | st.lists(NEAR, max_size=3)))
def test_findings_of_any_shape_can_be_read(value: Any) -> None:
    found = findings.read(value)
    assert isinstance(found, findings.Findings)
    for pair in (*found.others, *found.document):
        assert all(isinstance(part, str) for part in pair)


def test_a_deep_structure_ends(api: Api) -> None:
    deep: Any = "end"
    for _ in range(100):
        deep = {"a": [deep]}
    assert findings.pairs(deep) == ()
    made = filed(api, findings={"cause": 7, "match": {"checks": [None, 1, {}]}, "risk": [], "duplicates": {"a": 1}})
    assert signed_in(api, "reviewer").item(made["id"]).status_code == 200


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}\u202e\u0007"


def test_nothing_from_a_document_becomes_markup(api: Api) -> None:
    api.world.import_books("suppliers", [{"id": "S-1", "name": HOSTILE[:60], "email": "ap@supplier.example"}])
    reading = {
        "document_class": HOSTILE, "basis": HOSTILE, "fields": {"invoice_number": HOSTILE, HOSTILE: HOSTILE},
        "text": HOSTILE * 3, "warnings": [HOSTILE],
    }  # fmt: skip
    made = filed(
        api, title=HOSTILE, reading=reading, details={HOSTILE: HOSTILE, "list": [HOSTILE]}, invoice_id=HOSTILE[:40],
        findings={
            "why": HOSTILE, "cause": {"primary": HOSTILE, "facts": [{"fact": HOSTILE, "source": HOSTILE}]},
            "match": {"outcome": HOSTILE, "checks": [{"name": HOSTILE, "status": HOSTILE, "found": HOSTILE}]},
            "duplicates": [{"invoice_id": HOSTILE, "reasons": [HOSTILE]}], HOSTILE: HOSTILE,
            "alternatives": [{"action": HOSTILE, "reason": HOSTILE}], "reviewer_note": {"note": HOSTILE},
        },
    )  # fmt: skip
    visitor = signed_in(api, "reviewer")
    for path in (f"/console/recommendations/{made['id']}", "/console/queue", f"/console/queue?q={'<script>'}"):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
        assert "\u202e" not in page.text
        assert "\x07" not in page.text
    page = visitor.item(made["id"])
    assert "{{ 7*7 }}" in page.text
    assert "[U+202E]" in page.text


# --- the editor's laws -------------------------------------------------------------------------------------------


def _record(name: str, args: dict[str, str], draft: dict[str, str] | None) -> dict[str, Any]:
    return {"action": {"name": name, "args": args}, "draft": draft}


def _as_sent(editor: override.Editor) -> dict[str, str]:
    """What a browser sends of an editor that nobody touched: lines end with LF after decoding."""
    form = {override.ACTION_FIELD: editor.action}
    for one in editor.fields:
        value = one.value if one.kind == "text" else one.value.replace("\n", "")
        form[override.ARGUMENT + one.name] = value
    if editor.letter is not None:
        letter = editor.letter
        form |= {
            "draft.to": letter.to, "draft.language": letter.language, "draft.body": letter.body,
            "draft.subject": letter.subject.replace("\n", ""),
        }  # fmt: skip
    return form


SHORT = st.text(st.characters(exclude_characters="\x00\n", exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(name for name, spec in CATALOGUE.items() if spec.effect != CHANGE)), st.data())
def test_an_untouched_editor_changes_nothing(name: str, data: st.DataObject) -> None:
    spec = CATALOGUE[name]
    values = {"date": st.just("2026-11-30"), "amount": st.just("12.50"), "currency": st.just("EUR")}

    def value(kind: str) -> str:
        drawn: str = data.draw(st.sampled_from(kind.split("|")) if "|" in kind else values.get(kind, SHORT))
        return drawn

    chosen = dict(spec.required) | {key: kind for key, kind in spec.optional.items() if data.draw(st.booleans())}
    args = {key: value(kind) for key, kind in chosen.items()}
    draft = None
    if spec.effect == "mail":
        body = data.draw(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=80))
        draft = {"to": "a@b.example", "subject": data.draw(SHORT), "body": body, "language": "en"}
    # Spaces alone cannot be kept apart from nothing at all.
    if any(not text.strip() for text in args.values()):
        return
    record = _record(name, args, draft)
    made = override.editor(record, {}, [], None, {})
    assert override.edited(record, _as_sent(made)) == Edited(None, None)


def test_a_touched_editor_changes_that_and_no_more() -> None:
    draft = {"to": "a@b.example", "subject": "S", "body": "one\n\ntwo", "language": "en"}
    record = _record("request_purchase_order", {"supplier_id": "S-1", "invoice_number": "7"}, draft)
    form = _as_sent(override.editor(record, {}, [], None, {}))
    assert override.edited(record, {**form, "draft.body": "one\ntwo"}) == Edited(None, {**draft, "body": "one\ntwo"})
    assert override.edited(record, {**form, "arg.invoice_number": "8"}) == Edited(
        {"name": "request_purchase_order", "args": {"supplier_id": "S-1", "invoice_number": "8"}}, None
    )
    assert override.edited(record, {"decision": "approve"}) == Edited(None, None)


def test_form_tokens_tell_sessions_apart() -> None:
    assert csrf_of("a") != csrf_of("b")
    assert len(csrf_of("a")) == 64
