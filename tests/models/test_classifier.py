"""Structure, then headings, then a model that says when it does not know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from governance.case import DOCUMENT_CLASSES
from governance.errors import Malformed
from models.classifier import Classified, DocumentClassifier, classify
from models.headings import TITLES
from models.synthetic_text import FAMILIES, LANGUAGES, LabelledText, labelled_texts
from models.titles import paid_at_till, swift_statement, title_class
from models.views import Linear


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """On busy cores two threads mostly wait for each other."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def texts() -> list[LabelledText]:
    return labelled_texts(3, 1800)


@pytest.fixture(scope="module")
def model(texts: list[LabelledText]) -> DocumentClassifier:
    return DocumentClassifier().fit(
        [one.text for one in texts], [one.document_class for one in texts], [one.family for one in texts]
    )


def test_texts_come_in_every_class_and_language(texts: list[LabelledText]) -> None:
    assert {one.document_class for one in texts} == set(DOCUMENT_CLASSES)
    assert {one.language for one in texts} == set(LANGUAGES)
    assert {one.family for one in texts} == set(range(FAMILIES))
    assert labelled_texts(3, 50) == texts[:50]
    assert len({one.text for one in texts}) > 0.98 * len(texts)


def test_families_share_no_wording() -> None:
    said: list[set[str]] = [set() for _ in range(FAMILIES)]
    for one in labelled_texts(9, 3000, languages=("en",)):
        if one.document_class == "other":
            sentences = {line for line in one.text.splitlines() if len(line) > 30 and line.endswith(".")}
            said[one.family] |= {line for line in sentences if not any(map(str.isdigit, line))}
    assert all(said)
    assert not said[0] & said[1]
    assert not said[1] & said[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Talvane Ltd\n12 High Street\nINVOICE\nTotal 12.00", "invoice"),
        ("I N V O I C E\nTotal 12.00", "invoice"),
        ("Tax Invoice\nTotal 12.00", "invoice"),
        ("Muster GmbH\nRechnung Nr. 4711 vom 05.06.2026\nBestellung Nr. 12\nSumme 3,00", "invoice"),
        ("Handelsrechnung (380) Nr. 471102 vom 05.06.2018", "invoice"),
        ("FACTURE N° 2026-17\nTotal TTC 12,00", "invoice"),
        ("Factura\nTotal", "invoice"),
        ("** FATTURA **\nTotale", "invoice"),
        ("Factuur 2026001", "invoice"),
        ("Gutschrift\nzur Rechnung Nr. 5", "credit_note"),
        ("AVOIR n° 12\nFacture n° 3", "credit_note"),
        ("Nota di credito n. 4", "credit_note"),
        ("PURCHASE ORDER\nPO# 17", "purchase_order"),
        ("Bestellung\nLieferant Talvane", "purchase_order"),
        ("Auftragsbestätigung", "order_response"),
        ("Conferma d’ordine", "order_response"),
        ("Albarán de entrega", "delivery_note"),
        ("Documento di trasporto", "delivery_note"),
        ("3. Mahnung\nRechnung Nr. 12", "payment_reminder"),
        ("Sollecito di pagamento", "payment_reminder"),
        ("Zahlungsavis", "remittance_advice"),
        ("Mutual Non-Disclosure Agreement\nThe parties agree.", "contract"),
        ("Kontoauszug", "bank_statement"),
        ("Statement of account\nInvoice 1\nInvoice 2\nInvoice 3", "statement_of_account"),
        ("Talvane Ltd     RECHNUNG     Seite 1\nSumme 3,00", "invoice"),
        ("Purchase orders\nNumber Date Supplier", "purchase_order"),
        ("2nd Reminder\nPlease pay", "payment_reminder"),
        ("Liefervertrag\nzwischen A und B", "contract"),
        ("Contrat de maintenance\nentre A et B", "contract"),
        ("PRO FORMA INVOICE\nTotal 12.00", "other"),
        ("Angebot\nPos. Menge Preis", "other"),
        ("invoice order id 10 customer " + "some words of a flat export " * 10, "invoice"),
    ],
)
def test_headings_decide(text: str, expected: str) -> None:
    assert title_class(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Please find the invoice attached.\nBest regards",
        "Bestellung Nr. 12\nLieferschein Nr. 4\nVertrag Nr. 7",
        "Purchase order\nInvoice\nTotal",
        "Dear team,\nthe agreement that we discussed is still open.",
        "The invoice\nis overdue, reminder follows",
        "Invoice no. 12\nDespite our reminder nothing has been paid.",
        "Invoice date: 12.12.2026",
        "Documento di trasporto n. 12 del 01.02.2026",
        "TAX INVOICE\nCoffee 3.00\nCASH 5.00\nCHANGE 2.00",
    ],
)
def test_weak_or_contradicting_headings_decide_nothing(text: str) -> None:
    assert title_class(text) is None


def test_no_heading_names_two_classes() -> None:
    counts = Counter(title for titles in TITLES.values() for title in titles)
    assert max(counts.values()) == 1
    assert set(TITLES) == set(DOCUMENT_CLASSES)
    for name, titles in TITLES.items():
        assert all(title_class(title.upper()) == name for title in titles)


def test_a_till_leaves_traces() -> None:
    assert paid_at_till("Kasse 3\nGegeben 20,00\nRückgeld 3,10")
    assert not paid_at_till("Please pay by credit card within 30 days.")


def test_swift_messages_are_known_by_their_tags() -> None:
    assert swift_statement(":20:123\n:25:456/789\n:60F:C260101EUR1,00\n:61:260102D1,00NTRF")
    assert not swift_statement("Meeting at 10:20:30, room 61")


def test_stages_answer_in_order(model: DocumentClassifier) -> None:
    texts = ["Rechnung\nSumme 3,00", "Rechnung\nSumme 3,00", ":25:1/2\n:61:260102D1,00", ""]
    answers = classify(texts, ["credit_note", None, None, None], model)
    assert answers == [
        Classified("credit_note", None, False, "structured"),
        Classified("invoice", answers[1].confidence, False, "title_rule"),
        Classified("bank_statement", None, False, "structured"),
        Classified("other", None, True, "none"),
    ]
    assert 0.9 < (answers[1].confidence or 0.0) < 1.0
    assert classify([], [], model) == []
    with pytest.raises(ValueError, match="argument"):
        classify(["one"], [], model)


def test_the_model_reads_unseen_texts(model: DocumentClassifier) -> None:
    unseen = labelled_texts(77, 900)
    predicted = model.predict([one.text for one in unseen])
    assert np.mean(predicted == np.array([one.document_class for one in unseen])) > 0.9


def test_confidence_is_kept_on_unseen_wording(texts: list[LabelledText]) -> None:
    seen = [one for one in texts if one.family != 0]
    unseen = [one for one in texts if one.family == 0]
    model = DocumentClassifier(folds=2).fit(
        [one.text for one in seen], [one.document_class for one in seen], [one.family for one in seen]
    )
    answers = classify([one.text for one in unseen], [None] * len(unseen), model)
    by_model = [(one, answer) for one, answer in zip(unseen, answers, strict=True) if answer.basis == "model"]
    right = np.array([one.document_class == answer.document_class for one, answer in by_model])
    stated = np.array([answer.confidence or 0.0 for _, answer in by_model])
    assert len(by_model) > 0.15 * len(unseen)
    assert right.mean() > 0.9
    assert abs(right.mean() - stated.mean()) < 0.08


def test_strange_texts_are_left_to_a_person(model: DocumentClassifier) -> None:
    strange = [
        "Huomenna sataa lunta ja pakkanen kiristyy koko maassa iltaa kohti",
        "qwe rty uio pas dfg hjk lzx cvb nml kjh gfd",
        "0101 2020 3030",
        "請求書 合計 三千円",
    ]
    for answer in classify(strange, [None] * len(strange), model):
        assert answer == Classified("other", None, True, "none")


def test_a_person_is_told_what_a_text_most_likely_is(model: DocumentClassifier, texts: list[LabelledText]) -> None:
    """The chance is that of the model, and as often right as it says; where it is below one half nothing is said."""
    unseen = labelled_texts(78, 600)
    words = [one.text for one in unseen]
    answers = classify(words, [None] * len(words), model, threshold=1.01)
    _, chance, _ = model.judge(words)
    hints = [(one, answer, sure) for one, answer, sure in zip(unseen, answers, chance, strict=True) if answer.likeliest]
    assert all(answer.abstained and answer.document_class == "other" and not answer.confidence for answer in answers
               if answer.basis == "none")  # fmt: skip
    assert all(answer.likelihood == pytest.approx(sure) and sure >= 0.5 for _, answer, sure in hints)
    assert len(hints) > 300
    right = np.mean([one.document_class == answer.likeliest for one, answer, _ in hints])
    assert abs(right - np.mean([sure for _, _, sure in hints])) < 0.08
    assert all(answer.likeliest is None for answer in classify(words, [None] * len(words), model, threshold=0.0)
               if not answer.abstained)  # fmt: skip


def test_a_heading_that_the_models_contradict_is_a_persons_affair(model: DocumentClassifier) -> None:
    statements = [one.text for one in labelled_texts(80, 400) if one.document_class == "bank_statement"]
    untitled = [text for text in statements if title_class(text) is None and not swift_statement(text)]
    headed = [f"Non-disclosure agreement\n{text}" for text in untitled]
    said = model.predict(headed)
    torn = [text for text, name in zip(headed, said, strict=True) if name != "contract" == title_class(text)]
    assert torn
    assert all(answer.abstained for answer in classify(torn, [None] * len(torn), model, threshold=0.0))


def test_threshold_trades_answers_for_certainty(model: DocumentClassifier, texts: list[LabelledText]) -> None:
    sample = [one.text for one in texts[:300]]
    loose = classify(sample, [None] * 300, model, threshold=0.0)
    strict = classify(sample, [None] * 300, model, threshold=1.01)
    assert sum(one.basis == "model" for one in loose) > 100
    assert not any(one.basis == "model" for one in strict)


def test_fit_is_repeatable_and_groups_are_optional(texts: list[LabelledText]) -> None:
    part = texts[:225]
    first, second = (
        DocumentClassifier().fit([one.text for one in part], [one.document_class for one in part]) for _ in range(2)
    )
    sample = [one.text for one in texts[450:500]]
    assert np.array_equal(first.predict_proba(sample), second.predict_proba(sample))
    assert first.get_params() == {"C": 20.0, "folds": 3, "precision": 0.985, "seed": 0, "strangers": 0.1}


SENTENCES = {
    "invoice": "invoice number 12 please transfer the amount due to our account",
    "contract": "the parties agree that this contract shall be governed by law",
    "dispute": "we dispute the quantity that was delivered and withhold payment",
}


def small(counts: dict[str, int]) -> tuple[list[str], list[str]]:
    """Texts of the classes, as many of each as asked for."""
    labels = [name for name, count in counts.items() for _ in range(count)]
    return [f"{SENTENCES[name]} case{at % 4}" for at, name in enumerate(labels)], labels


def fitted(counts: dict[str, int], groups: Callable[[int, str], int] | None, folds: int = 3) -> DocumentClassifier:
    texts, labels = small(counts)
    names = None if groups is None else [groups(at, label) for at, label in enumerate(labels)]
    return DocumentClassifier(folds=folds).fit(texts, labels, names)


CLASS_NUMBER = {name: at for at, name in enumerate(SENTENCES)}


@pytest.mark.parametrize("groups", [None, lambda at, label: at % 4, lambda at, label: CLASS_NUMBER[label]])
@pytest.mark.parametrize("counts", [(12, 12), (12, 12, 12), (20, 9, 3)])
def test_few_classes_and_folds_without_one_of_them(
    counts: tuple[int, ...], groups: Callable[[int, str], int] | None
) -> None:
    named = dict(zip(SENTENCES, counts, strict=False))
    model = fitted(named, groups)
    texts, labels = small(named)
    probabilities = model.predict_proba(texts)
    assert probabilities.shape == (len(texts), len(counts))
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert model.predict(texts).tolist() == labels
    assert 0.5 <= model.threshold_ <= 0.95


def test_two_classes_are_told_apart_with_the_odds_of_a_logistic_regression() -> None:
    matrix = np.array([[0.0, 1.0], [1.0, 0.2], [0.9, 0.1], [0.1, 0.8]])
    y = np.array(["a", "b", "b", "a"])
    values = Linear.fit(matrix, y, np.array(["a", "b", "c"]), 1.0).values(matrix)
    model = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-3).fit(matrix, y)
    assert np.allclose(values[:, 1] - values[:, 0], model.decision_function(matrix), atol=1e-5)
    assert np.allclose(values[:, 2], values[:, :2].min(axis=1) - 1.0)


def test_a_class_that_no_other_fold_has_is_promised_nothing() -> None:
    counts = {"invoice": 12, "contract": 12}
    apart, mixed = fitted(counts, lambda at, label: CLASS_NUMBER[label]), fitted(counts, lambda at, label: at % 4)
    texts, _ = small(counts)
    assert apart.threshold_ == 0.95
    assert apart.predict_proba(texts).max() < 0.9 < mixed.predict_proba(texts).max()
    assert all(answer.abstained for answer in classify(texts, [None] * len(texts), apart))


@pytest.mark.parametrize("folds", [3, 50])
@pytest.mark.parametrize("groups", [None, lambda at, label: at % 2])
def test_fewer_groups_or_texts_than_folds_give_fewer_folds(
    groups: Callable[[int, str], int] | None, folds: int
) -> None:
    model = fitted({"invoice": 6, "contract": 6, "dispute": 2}, groups, folds)
    assert model.predict([SENTENCES["contract"]]).tolist() == ["contract"]


@pytest.mark.parametrize(
    ("texts", "labels", "groups", "words"),
    [
        ([], [], None, "there is no text at all"),
        (["one text"] * 9, ["invoice"] * 9, None, "all are 'invoice': add texts of other classes"),
        (["one text"] * 9, ["invoice", "other", "other"] * 3, [7] * 9, "all texts are of one group"),
        (["alpha", "beta", "gamma", "delta"], ["invoice", "other"] * 2, None, "add more texts"),
        (["", "", "", ""], ["invoice", "other"] * 2, None, "add more texts"),
    ],
)
def test_what_cannot_be_learned_from_is_said(
    texts: list[str], labels: list[str], groups: list[int] | None, words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        DocumentClassifier().fit(texts, labels, groups)


def test_lengths_must_agree() -> None:
    for texts, labels, groups in ((["a"], [], None), (["a"], ["x"], []), ([], ["x"], None)):
        with pytest.raises(ValueError, match="one label and one group"):
            DocumentClassifier().fit(texts, labels, groups)
    with pytest.raises(ValueError, match="two folds"):
        DocumentClassifier(folds=1).fit(["a"], ["x"])


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(2, 7), min_size=2, max_size=3),
    groups=st.lists(st.integers(0, 4), min_size=21, max_size=21).filter(lambda names: len(set(names[:4])) > 1),
    folds=st.integers(2, 5),
)
def test_any_grouping_can_be_fitted(sizes: list[int], groups: list[int], folds: int) -> None:
    """Sentences of three classes repeated: whatever the folds leave out, there is wording to fit on."""
    counts = dict(zip(SENTENCES, sizes, strict=False))
    texts, labels = small(counts)
    try:
        model = DocumentClassifier(folds=folds).fit(texts, labels, groups[: len(texts)])
    except Malformed:
        reject()  # a fold was left with two or three texts
    assert model.classes_.tolist() == sorted(counts)
    assert np.allclose(model.predict_proba(texts).sum(axis=1), 1.0)


def test_probabilities_have_a_shape(model: DocumentClassifier) -> None:
    assert model.predict_proba([]).shape == (0, len(DOCUMENT_CLASSES))
    both = model.predict_proba(["Invoice", "Rechnung"])
    assert both.shape == (2, len(DOCUMENT_CLASSES))
    assert np.allclose(both.sum(axis=1), 1.0)
    assert sorted(DOCUMENT_CLASSES) == model.classes_.tolist()


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_gets_one_answer(model: DocumentClassifier, text: str) -> None:
    (answer,) = classify([text], [None], model)
    assert answer.document_class in DOCUMENT_CLASSES
    assert (answer.confidence is None) == (answer.basis in ("structured", "none"))
    assert answer.abstained == (answer.basis == "none")
    assert not answer.abstained or answer.document_class == "other"


@pytest.mark.shared
def test_sources_that_it_never_saw(shared: Path, model: DocumentClassifier) -> None:
    with (shared / "documents" / "classification_text.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    answers = classify([row["text"] for row in rows], [None] * len(rows), model)
    said = [(row, answer) for row, answer in zip(rows, answers, strict=True) if not answer.abstained]
    right = [row["label"] == answer.document_class for row, answer in said]
    assert len(said) > 0.6 * len(rows)
    assert np.mean(right) > 0.93
