"""A memory of how a supplier writes: learned from one page, it finds the value on the next, and invents none."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.case import FIELD_NAMES, Reading
from models.extraction import Found, extract
from models.layout import Word
from models.memory import FIELDS, FieldRule, Memory, joined, learn, read_with, recall, title_of

BILL = """Nordlicht GmbH                          RECHNUNG

                                        Kundennummer      KD-7700
                                        Belegkennung      B-2026-{0}
                                        Datum             01.03.2026

Beratung                                                  1.000,00
Zwischensumme                                             1.000,00
MwSt. 19 %                                                190,00
Gesamtbetrag EUR                                          1.190,00
"""


def words(rows: list[tuple[float, float, str]], page: int = 1, size: float = 10) -> list[Word]:
    return [Word(page, left, top, left + 6 * len(text), top + size, text) for left, top, text in rows]


def reading(text: str, **values: object) -> Reading:
    found = extract([text])[0]
    whole: dict[str, object] = {
        "document_class": "invoice", "confidence": 0.9, "abstained": False, "basis": "model", "fields": found.fields,
        "field_confidence": found.field_confidence, "warnings": found.warnings, "text": text,
        "alternatives": found.alternatives,
    }  # fmt: skip
    return Reading(**{**whole, **values})  # type: ignore[arg-type]


def test_one_page_teaches_the_next() -> None:
    memory = learn(Found(BILL.format("0815")), {"invoice_number": "B-2026-0815"})
    assert memory.fields["invoice_number"].label == "belegkennung"
    assert recall(Found(BILL.format("0999")), memory)["invoice_number"].value == "B-2026-0999"


@pytest.mark.parametrize(
    ("page", "relation", "label"),
    [
        ([(50, 100, "Vorgang: B-4711"), (50, 140, "KD-1")], "before", "vorgang"),
        ([(50, 100, "Vorgang"), (150, 100, "B-4711"), (50, 140, "KD-1")], "left", "vorgang"),
        ([(50, 100, "Vorgang"), (50, 115, "B-4711"), (300, 140, "KD-1")], "above", "vorgang"),
        ([(50, 100, "4711/26"), (400, 700, "KD-1")], "place", None),
    ],
)
def test_words_before_left_of_or_above_a_value_or_only_its_place(
    page: list[tuple[float, float, str]], relation: str, label: str | None
) -> None:
    right = next(text.split(": ")[-1] for _, _, text in page if "4711" in text)
    found = Found("\n".join(text for _, _, text in page), words(page))
    rule = learn(found, {"invoice_number": right}).fields["invoice_number"]
    assert (rule.relation, rule.label) == (relation, label)
    assert recall(found, Memory({"invoice_number": rule}))["invoice_number"].value == right


def test_a_label_holds_no_digit_and_only_the_last_words() -> None:
    text = "Please quote with every payment that you make to our account 12 the Vorgang B-4711"
    rule = learn(Found(text), {"invoice_number": "B-4711"}).fields["invoice_number"]
    assert rule.label == "our account the vorgang"


def test_what_stands_nowhere_teaches_nothing() -> None:
    found = Found(BILL.format("0815"))
    assert not learn(found, {"invoice_number": "Z-1", "iban": "DE02120300000000202051", "supplier": "Nordlicht GmbH"})
    assert not learn(found, {"invoice_number": None})
    assert not recall(Found("nothing here"), learn(found, {"invoice_number": "B-2026-0815"}))


def test_the_place_tells_two_with_one_label_apart() -> None:
    page: list[tuple[float, float, str]] = [
        (50, 100, "Nr."), (150, 100, "A-11"), (50, 400, "Nr."), (150, 400, "B-22"), (50, 700, "the end " * 12),
    ]  # fmt: skip
    memory = learn(Found("x", words(page)), {"invoice_number": "B-22"})
    assert recall(Found("x", words(page)), memory)["invoice_number"].value == "B-22"
    moved = [(left, 230 if text in ("Nr.", "B-22") and top == 400 else top, text) for left, top, text in page]
    assert not recall(Found("x", words(moved)), memory)
    elsewhere = [(left + 400 * (text == "B-22"), top, text) for left, top, text in page if text != "A-11"]
    assert not recall(Found("x", words(elsewhere)), memory)


def test_what_it_reads_is_said_with_the_other_values_and_without_confidence() -> None:
    memory = learn(Found(BILL.format("0815")), {"invoice_number": "B-2026-0815"})
    text = BILL.format("0999")
    before = reading(text, fields={**extract([text])[0].fields, "invoice_number": "KD-7700"})
    after = read_with(before, Found(text), memory, "supplier Nordlicht, approved by Ann")
    assert (after.fields["invoice_number"], after.field_confidence["invoice_number"]) == ("B-2026-0999", None)
    assert after.alternatives["invoice_number"][0] == "KD-7700"
    (note,) = (one for one in after.warnings if one.startswith("invoice_number"))
    assert note == "invoice_number: by memory of supplier Nordlicht, approved by Ann; without it KD-7700"
    assert read_with(after, Found(text), memory, "x") == after


def test_structured_data_needs_no_memory() -> None:
    memory = learn(Found(BILL.format("0815")), {"invoice_number": "B-2026-0815"})
    before = reading(BILL.format("0999"), basis="structured", fields={"invoice_number": "X"})
    assert read_with(before, Found(BILL.format("0999")), memory, "x") is before


def test_a_class_is_remembered_by_what_heads_the_page_beside_the_supplier_s_name() -> None:
    heads = words([(50, 20, "NORDLICHT")], size=30) + words([(300, 40, "VORGANGSBLATT")], size=20)
    found = Found("VORGANGSBLATT", [*heads, *words([(50, 100, "Nordlicht GmbH"), (50, 700, "the end")])])
    own = ("Nordlicht GmbH",)
    memory = learn(found, {"document_class": "delivery_note"}, own)
    assert memory.titles == {"vorgangsblatt": "delivery_note"}
    for basis, document_class, abstained in (("none", "other", True), ("title_rule", "invoice", False)):
        before = Reading(document_class, 0.4, abstained, basis, dict.fromkeys(FIELD_NAMES))
        after = read_with(before, found, memory, "x", own)
        assert (after.document_class, after.basis, after.confidence) == ("delivery_note", "memory", None)
        assert not after.abstained
    sure = Reading("delivery_note", 0.99, False, "model", dict.fromkeys(FIELD_NAMES))
    assert read_with(sure, found, memory, "x", own) is not after
    assert read_with(sure, found, memory, "x", own).confidence == 0.99
    assert title_of(Found("").sheet) is None


def test_two_lessons_are_one_memory_and_the_last_word_counts() -> None:
    old = Memory({"due_date": FieldRule("left", "due", 1, 1, 1), "invoice_number": FieldRule("left", "a b", 1, 1, 1)})
    new = Memory({"invoice_number": FieldRule("left", "beleg", 1, 2, 2)}, {"liefer": "delivery_note"})
    both = joined(old, new)
    assert {name: rule.label for name, rule in both.fields.items()} == {"due_date": "due", "invoice_number": "beleg"}
    assert Memory.of(json.loads(json.dumps(both.as_dict()))) == both


MONEY = st.decimals("0.01", "99999", places=2)


@settings(max_examples=60)
@given(
    numbers=st.lists(MONEY, min_size=1, max_size=5, unique=True),
    label=st.integers(0, 4),
    sure=st.one_of(st.none(), MONEY),
)
def test_a_memory_never_makes_the_amount_less_known_or_less(
    numbers: list[Decimal], label: int, sure: Decimal | None
) -> None:
    """The law: with any memory the total is at least what is read without it, and unknown stays unknown."""
    text = "INVOICE\n" + "\n".join(f"{'abcde'[at]}{'abcde'[at]} sum  {number}" for at, number in enumerate(numbers))
    rule = FieldRule("left", f"{'abcde'[label]}{'abcde'[label]} sum", 1, 5, 5)
    before = reading(text, fields={**dict.fromkeys(FIELD_NAMES), "total_amount": None if sure is None else str(sure)})
    after = read_with(before, Found(text), Memory({"total_amount": rule}), "x").fields["total_amount"]
    if sure is None:
        assert after is None
    else:
        assert Decimal(str(after)) >= sure


@settings(max_examples=60)
@given(
    text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=300),
    relation=st.sampled_from(["before", "left", "above", "place"]),
    label=st.text("abc ", min_size=2, max_size=40),
    place=st.tuples(st.integers(1, 3), st.integers(0, 10), st.integers(0, 10)),
)
def test_no_memory_invents_a_value(text: str, relation: str, label: str, place: tuple[int, int, int]) -> None:
    rule = FieldRule(relation, None if relation == "place" else label, *place)
    found = Found(text)
    for name, one in recall(found, Memory(dict.fromkeys(FIELDS, rule))).items():
        assert one.value in {other.value for other in found.by_field[name]}


@settings(max_examples=60)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=300), data=st.data())
def test_what_was_learned_finds_the_value_again_and_fits_the_record(text: str, data: st.DataObject) -> None:
    found = Found(f"Beleg A-17\n{text}\nDatum 2026-01-03 Total 12.50")
    name = data.draw(st.sampled_from([one for one in FIELDS if found.by_field[one]]))
    right = data.draw(st.sampled_from(found.by_field[name])).value
    for field, rule in learn(found, {name: right}).fields.items():
        assert recall(found, Memory({field: rule}))[field].value.casefold() == right.casefold()
        assert rule.label is None or (2 <= len(rule.label) <= 40 and not any(one.isdecimal() for one in rule.label))
        assert 0 <= rule.across <= 10
        assert 0 <= rule.down <= 10
