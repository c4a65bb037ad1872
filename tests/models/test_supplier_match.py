"""Whose document it is: folding that loses nothing people see, outcomes that are never silently wrong."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.case import Party
from models import supplier_names
from models.supplier_match import BANK, MATCHED, PROBABLE, UNKNOWN, Clues, Master, SupplierMatch
from models.supplier_names import core, forms, skeleton, written
from models.synthetic_numbers import vat_id
from models.synthetic_suppliers import NEAR, POSES, SAME, made_up_master, sightings
from models.tax_numbers import asked_for, differ, kept_under, tax_key

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "duplicates"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\ufe0f\u202e\u2066\u3164\U000e0041"
TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("aeiorn01IlEYS.& -'GmbHKgoldAOСРаеоρΝνϲϹ\u200b\u00ad\u0301üößſ"), st.characters()
    ),
    max_size=24,
)  # fmt: skip


def party(id: str, name: str, vat_id: str | None = None) -> Party:
    return Party(id=id, name=name, kind="supplier", vat_id=vat_id)


KNOWN = (
    party("S-1", "Talwick Supplies Ltd", "GB980780684"),
    party("S-2", "Brüder Weißenfels Maschinenbau GmbH & Co. KG", "DE136695976"),
    party("S-3", "Établissements Marmora SARL", "FR40303265045"),
    party("S-4", "Costa International S.p.A.", "IT00743110157"),
    party("S-5", "Hollworth Print plc"),
    party("S-6", "Hollworth Print LLP"),
    party("S-7", "Pollo Vermelho Lda"),
)
ACCOUNTS = (
    ("supplier", "S-1", "GB29NWBK60161331926819"),
    ("supplier", "S-2", "DE89370400440532013000"),
    ("supplier", "S-3", "FR1420041010050500013M02606"),
    ("supplier", "S-4", "IT60X0542811101000000123456"),
    ("supplier", "S-7", "PT50000201231234567890154"),
    ("entity", "DE01", "DE02120300000000202051"),
)
MASTER = Master(KNOWN, ACCOUNTS, ["Halden & Brook GmbH"])


def match(**clues: str | None) -> SupplierMatch:
    return MASTER.match(Clues(**clues))


def codes(found: SupplierMatch) -> list[str]:
    return [one.code for one in found.findings]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TALWICK  SUPPLIES LIMITED", "S-1"),
        ("Talwick Supplies", "S-1"),
        ("Talwick\u200b Sup\u00adplies Ltd.", "S-1"),
        ("Ｔａｌｗｉｃｋ Supplies Ltd", "S-1"),  # full width
        ("Brueder Weissenfels Maschinenbau GmbH u. Co KG", "S-2"),
        ("Bruder Weissenfels Maschinenbau", "S-2"),
        ("Ets. Marmora", "S-3"),
        ("S.A.R.L. ETABLISSEMENTS MARMORA", "S-3"),
        ("COSTA Int'l Società per Azioni", "S-4"),
    ],
)
def test_one_firm_has_many_spellings(name: str, expected: str) -> None:
    found = match(name=name)
    assert (found.outcome, found.supplier and found.supplier.id) == (MATCHED, expected)


@pytest.mark.parametrize(
    ("clues", "candidates", "reason"),
    [
        ({"name": "Talwick Suplies Ltd"}, ["S-1"], "differs in one letter"),
        ({"name": "Supplies Talwick"}, ["S-1"], "another order"),
        ({"name": "Talwick Supplies Northern Branch"}, ["S-1"], "holds the other"),
        ({"name": "Talwick Supplies GmbH"}, ["S-1"], "another legal form"),
        ({"name": "Hollworth Print"}, ["S-5", "S-6"], "more than one"),
        ({"name": "Talwick Supplies Ltd", "vat_id": "GB999999973"}, ["S-1"], "another VAT id"),
        ({"name": "Nobody Knows Ltd", "iban": "GB29 NWBK 6016 1331 9268 19"}, ["S-1"], "the name is another"),
    ],
)
def test_what_is_near_is_probable_and_says_why(clues: dict[str, str], candidates: list[str], reason: str) -> None:
    found = match(**clues)
    assert (found.outcome, found.supplier) == (PROBABLE, None)
    assert [one.party.id for one in found.candidates] == candidates
    assert reason in found.candidates[0].reason
    assert all(one["score"] is None for one in found.as_dict()["candidates"])


@pytest.mark.parametrize(
    ("clues", "outcome", "account", "code"),
    [
        ({"name": "Talwick Supplies Ltd"}, MATCHED, "not_said", None),
        ({"name": "Talwick Supplies Ltd", "iban": "gb29 nwbk 6016 1331 9268 19"}, MATCHED, "known", None),
        ({"name": "Talwick Supplies Ltd", "iban": "DE75512108001245126199"}, BANK, "differs", BANK),
        ({"name": "Talwick Supplies Ltd", "iban": "DE89370400440532013000"}, BANK, "other_supplier",
         "account_of_another"),
        ({"name": "Talwick Supplies Ltd", "iban": "DE02120300000000202051"}, BANK, "own", "account_of_our_own"),
        ({"vat_id": "GB980780684", "name": "Somebody", "iban": "DE75512108001245126199"}, BANK, "differs", BANK),
        ({"supplier_id": "S-1", "iban": "DE75512108001245126199"}, BANK, "differs", BANK),
        ({"name": "Talwick Supplies Ltd", "vat_id": "GB999999973", "iban": "DE75512108001245126199"}, BANK, "differs",
         "vat_id_differs"),
        ({"name": "Hollworth Print plc", "iban": "DE75512108001245126199"}, MATCHED, "none_in_books", None),
        ({"name": "Hollworth Print plc", "iban": "DE89370400440532013000"}, BANK, "other_supplier",
         "account_of_another"),
    ],
)  # fmt: skip
def test_the_account_is_held_against_the_books(
    clues: dict[str, str], outcome: str, account: str, code: str | None
) -> None:
    found = match(**clues)
    assert (found.outcome, found.account) == (outcome, account)
    assert found.supplier is not None
    assert code is None or code in codes(found)
    contested = {one.code for one in found.findings if one.level == "contested"}
    assert bool(contested) == (outcome == BANK)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("DE 136.695.976", "S-2"),
        ("136695976", "S-2"),
        ("303265045", "S-3"),  # the company's number in its VAT id
        ("30326504500017", "S-3"),  # of one place of business
        ("00743110157", "S-4"),
        ("AT136695976", None),  # another country
        ("743110157", None),
        ("0", None),
        ("n/a", None),
    ],
)
def test_numbers_are_found_as_they_are_written(number: str, expected: str | None) -> None:
    found = match(vat_id=number)
    assert (found.supplier.id if found.supplier else None) == expected


def test_a_near_name_with_the_account_is_that_supplier() -> None:
    found = match(name="Talwik Supplies Ltd", iban="GB29NWBK60161331926819")
    assert (found.outcome, found.evidence) == (MATCHED, ("account",))
    assert codes(found) == ["name_differs"]


def test_a_name_of_our_own_is_never_the_supplier() -> None:
    for name in ("Halden & Brook GmbH", "HALDEN UND BROOK", "Ηalden & Brοοk GmbH"):  # Greek letters
        found = Master([*KNOWN, party("S-9", "Halden & Brook")], ACCOUNTS, ["Halden & Brook GmbH"]).match(
            Clues(name=name)
        )
        assert (found.outcome, codes(found)) == (UNKNOWN, ["own_company"])
    assert match(name="Halden & Brook GmbH", vat_id="GB980780684").supplier == KNOWN[0]


def test_records_of_one_firm_are_one_and_the_one_with_the_account() -> None:
    twins = [party("A", "Marmora SARL", "FR40303265045"), party("B", "MARMORA", "FR40303265045")]
    master = Master(twins, [("supplier", "B", "FR1420041010050500013M02606")])
    found = master.match(Clues(name="Marmora SARL", iban="FR1420041010050500013M02606"))
    assert (found.outcome, found.supplier and found.supplier.id) == (MATCHED, "B")


def test_a_number_that_several_firms_have_says_nothing_by_itself() -> None:
    firms = [party("A", "Lieferant GmbH", "DE123456789"), party("B", "Rohstoff AG", "DE123456789")]
    master = Master(firms, [("supplier", "A", "DE89370400440532013000")])
    assert master.match(Clues(vat_id="DE123456789")).outcome == PROBABLE
    assert master.match(Clues(vat_id="DE123456789", name="Rohstoff AG")).supplier == firms[1]
    both = master.match(Clues(vat_id="DE123456789", name="Rohstoff AG", iban="DE89370400440532013000"))
    assert (both.outcome, both.supplier) == (BANK, firms[1])
    # A number that fails its checksum does not outweigh a name that is another.
    alone = Master(firms[:1], [("supplier", "A", "DE89370400440532013000")])
    assert alone.match(Clues(vat_id="DE123456789", name="Ganz Anders KG")).outcome == PROBABLE
    known = alone.match(Clues(vat_id="DE123456789", name="Ganz Anders KG", iban="DE89370400440532013000"))
    assert (known.outcome, codes(known)) == (MATCHED, ["name_differs"])


def test_strange_text_never_raises() -> None:
    for text in ("", " ", "\x00", "\ud800", "GmbH", "a" * 50_000, "& . -", "\u200b", "REDACTED", "N/A", "😀" * 9):
        assert match(name=text, vat_id=text, iban=text).outcome in (UNKNOWN, PROBABLE)


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_folding_is_idempotent(text: str) -> None:
    for fold in (written, core, skeleton):
        assert fold(fold(text)) == fold(text)
    assert tax_key(tax_key(text)) == tax_key(text)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([one.name for one in KNOWN] + ["Talwick Suplies", "Halden & Brook GmbH", "Nobody Ltd"]),
    st.sampled_from([None, "DE75512108001245126199", "GB29NWBK60161331926819"]),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(UNSEEN)), max_size=6),
)
def test_unseen_characters_never_change_the_outcome(name: str, iban: str | None, put: list[tuple[int, str]]) -> None:
    letters = list(name)
    for at, unseen in put:
        letters.insert(at, unseen)
    plain, dressed = match(name=name, iban=iban), match(name="".join(letters), iban=iban)
    assert (dressed.outcome, dressed.supplier, dressed.candidates) == (plain.outcome, plain.supplier, plain.candidates)
    assert set(codes(dressed)) - set(codes(plain)) <= {"hidden_characters"}


LATIN, FOREIGN = (
    "aeiopcyxABEKMHOPCTXSIJ", "аеіорсухАВЕКМНОРСТХЅІЈ",
)  # fmt: skip
GREEK = dict(zip("oABEZHIKMNOPTYX", "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", strict=True))


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(KNOWN), st.data())
def test_a_name_that_only_looks_right_is_never_silently_matched(known: Party, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from([dict(zip(LATIN, FOREIGN, strict=True)), GREEK]))
    able = [at for at, letter in enumerate(known.name) if letter in table]
    chosen = data.draw(st.sets(st.sampled_from(able), min_size=1))
    name = "".join(table[letter] if at in chosen else letter for at, letter in enumerate(known.name))
    clues: dict[str, Any] = {
        "vat_id": data.draw(st.sampled_from([None, known.vat_id])),
        "iban": data.draw(st.sampled_from([None, *(iban for _, owner, iban in ACCOUNTS if owner == known.id)])),
    }
    found = match(name=name, **clues)
    assert "lookalike_name" in codes(found)
    assert next(one for one in found.findings if one.code == "lookalike_name").level == "contested"
    if not clues["vat_id"] and not clues["iban"]:
        assert (found.outcome, found.supplier) == (PROBABLE, None)
        assert known in [one.party for one in found.candidates]


def test_a_name_in_another_alphabet_is_itself() -> None:
    master = Master([party("B", "Балкан Транспорт ООД")])
    found = master.match(Clues(name="БАЛКАН ТРАНСПОРТ ООД"))
    assert (found.outcome, codes(found)) == (MATCHED, [])


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 10**6))
def test_made_up_numbers_are_found_with_and_without_their_country(seed: int) -> None:
    country = random.Random(seed).choice(["DE", "FR", "GB", "ES", "IT", "NL"])
    number = vat_id(random.Random(seed), country)
    assert set(asked_for(number.removeprefix(country))) & set(kept_under(number))
    assert not differ(number.removeprefix(country), number)
    assert not differ(None, number)


def figures(known: list[tuple[Party, str]], strangers: list[Party], each: int) -> dict[str, Counter[str]]:
    """What became of every kind of sighting."""
    master = Master([one for one, _ in known], [("supplier", one.id, iban) for one, iban in known])
    found: dict[str, Counter[str]] = {}
    for seen in sightings(7, known, strangers, each):
        result = master.match(seen.clues)
        ids = [one.party.id for one in result.candidates]
        right = seen.supplier_id in (result.supplier.id if result.supplier else None, *ids)
        poses = any(one.code == "lookalike_name" for one in result.findings)
        kept = "poses" if poses else result.outcome
        found.setdefault(seen.how, Counter())[f"{kept} {'right' if right else 'wrong'}"] += 1
    return found


def promised(found: dict[str, Counter[str]], near: float, strangers: float) -> None:
    total = {how: sum(counts.values()) for how, counts in found.items()}
    assert sum(counts["matched wrong"] for counts in found.values()) == 0
    assert sum(found[how]["matched right"] for how in SAME) >= 0.99 * sum(total[how] for how in SAME)
    reached = sum(found[how]["matched right"] + found[how]["probable right"] for how in NEAR)
    assert reached >= near * sum(total[how] for how in NEAR)
    assert found["stranger"][f"{UNKNOWN} right"] >= strangers * total["stranger"]
    for how in POSES:
        assert found[how]["poses right"] == total[how]


def test_a_made_up_master_of_many_suppliers() -> None:
    every = made_up_master(11, 5000)
    promised(figures(every[:4000], [one for one, _ in every[4000:]], 60), near=0.88, strangers=0.8)


@pytest.mark.shared
@pytest.mark.parametrize("city", ["oxford", "sheffield"])
def test_a_real_master(city: str) -> None:
    names: dict[str, str] = {}
    folder = SHARED / city
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}: real suppliers' names are read in place")
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            rows = csv.reader(lines)
            head = [name.strip().lower().replace("_", " ") for name in next(rows)]
            at = head.index("supplier name") if "supplier name" in head else head.index("supplier")
            for row in rows:
                if len(row) > at and forms(row[at]).cores:
                    names.setdefault(supplier_names.core(row[at]), " ".join(row[at].split()))
    shuffled = sorted(names.values())
    random.Random(3).shuffle(shuffled)
    every = [(party(f"S-{number}", name), f"X{number}") for number, name in enumerate(shuffled)]
    cut = len(every) * 4 // 5
    promised(figures(every[:cut], [one for one, _ in every[cut:]], 60), near=0.8, strangers=0.8)
