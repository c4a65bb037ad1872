"""Fits the field weights on made-up pages: logistic regression on facts, then one on score and lead.

The second stage sees only pages that the first did not, so that its probabilities hold for new pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.candidates import Candidate
from models.extraction import Found
from models.field_scores import LEAD_LIMIT, FieldScore, Ranked, rank
from models.synthetic_pages import SyntheticPage

FIELDS = (
    "supplier", "supplier_vat_id", "invoice_number", "issue_date", "due_date", "total_amount", "amount_due", "iban",
    "purchase_order",
)  # fmt: skip
ALWAYS = frozenset({"supplier", "invoice_number", "issue_date", "total_amount"})
SEED, PAGES = 20261120, 2400
"""What the shipped weights were fitted on."""
_PENALTY = 0.5
# A wrong order or account costs more than a missing one; of what every bill has, the best guess is worth a look.
_FLOORS = {"supplier": 0.2, "invoice_number": 0.3, "issue_date": 0.3, "total_amount": 0.3, "supplier_vat_id": 0.25}
_FLOOR = 0.5


def right(field: str, found: str, truth: str | None) -> bool:
    if truth is None:
        return False
    if field in ("total_amount", "amount_due"):
        return float(found) == float(truth)
    return _plain(found) == _plain(truth)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def fit(pages: Sequence[SyntheticPage]) -> dict[str, FieldScore]:
    """The weights of every field. A third of the pages is kept for the second stage."""
    found = [Found(page.text, page.words if at % 5 else ()) for at, page in enumerate(pages)]
    return {
        name: _fit_field(
            name, [(one.by_field[name], page.fields.get(name)) for one, page in zip(found, pages, strict=True)]
        )
        for name in FIELDS
    }


def render(weights: Mapping[str, FieldScore]) -> str:
    """`field_scores.toml`."""
    lines = ["# Fitted by models/field_training.py on made-up pages; not written by hand."]
    for name, score in weights.items():
        lines += ["", f"[fields.{name}]"]
        lines += [f"{part} = {getattr(score, part)}" for part in ("bias", "score", "lead", "certainty", "floor")]
        lines += [f"[fields.{name}.facts]", *(f'"{fact}" = {weight}' for fact, weight in score.facts.items())]
    return "\n".join(lines) + "\n"


def _fit_field(name: str, documents: Sequence[tuple[list[Candidate], str | None]]) -> FieldScore:
    first = [pair for at, pair in enumerate(documents) if at % 3]
    second = [pair for at, pair in enumerate(documents) if at % 3 == 0]
    facts = sorted({fact for options, _ in first for one in options for fact in one.facts})
    vectors = [
        (
            [[one.facts.get(fact, 0.0) for fact in facts] for one in options],
            [right(name, one.value, truth) for one in options],
        )
        for options, truth in first
        if options
    ]
    rows, hits = _rows(name, vectors)
    model = LogisticRegression(C=_PENALTY, max_iter=3000, fit_intercept=name not in ALWAYS).fit(rows, hits)
    weights = {fact: round(float(weight), 3) for fact, weight in zip(facts, model.coef_[0], strict=True)}
    bias = round(float(np.ravel(model.intercept_)[0]), 3)
    score = FieldScore(weights, bias, 0.0, 0.0, 0.0, 0.0)
    ranked = [(rank(options, score), truth) for options, truth in second if options]
    return _calibrated(name, score, ranked)


def _rows(name: str, vectors: Sequence[tuple[list[list[float]], list[bool]]]) -> tuple[np.ndarray, np.ndarray]:
    """One row a candidate; for a field that every bill has, one row for each right candidate beside a wrong one of the
    same page, so that only what tells candidates of one page apart is learned (pairwise logistic regression)."""
    if name not in ALWAYS:
        return np.array([row for rows, _ in vectors for row in rows]), np.array(
            [hit for _, hits in vectors for hit in hits]
        )
    pairs, signs = [], []
    for rows, hits in vectors:
        table, good = np.array(rows), np.array(hits)
        for best in table[good][:3]:
            for number, other in enumerate(table[~good][:60]):
                pairs.append(best - other if number % 2 else other - best)
                signs.append(bool(number % 2))
    return np.array(pairs), np.array(signs)


def _calibrated(name: str, score: FieldScore, ranked: Sequence[tuple[Ranked, str | None]]) -> FieldScore:
    # Two rows of no evidence either way: nothing is ever quite certain, and both outcomes are always there.
    facts = np.array([[one.scores[0], one.lead] for one, _ in ranked] + [[0.0, 0.0]] * 2)
    hits = np.array([right(name, one.candidates[0].value, truth) for one, truth in ranked] + [True, False])
    facts = np.clip(facts, -LEAD_LIMIT, LEAD_LIMIT)
    model = LogisticRegression(C=1.0, max_iter=2000).fit(facts, hits)
    if model.coef_[0][1] < 0:  # score and lead say nearly the same: more of either must not make less sure
        facts[:, 1] = 0.0
        model = LogisticRegression(C=1.0, max_iter=2000).fit(facts, hits)
    floor = _FLOORS.get(name, _FLOOR)
    top, lead = (round(float(weight), 3) + 0.0 for weight in model.coef_[0])
    return FieldScore(score.facts, score.bias, top, lead, round(float(model.intercept_[0]), 3), floor)
