"""Letters of the agent in six languages: complete, traceable, and guarded against whatever was made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from agents.draft import letter_for
from agents.guard import refusals
from agents.letter import LANGUAGES
from evals import letters
from evals.cases import Triaged, triaged
from evals.datasets import held_out, sized
from evals.letter_grid import RECORDS, Made, every_letter
from evals.letter_reader import held, stated
from evals.results import Dots, Metric, Sheet, SuiteResult, Table, heading, words
from evals.scorers import mean, resampled
from evals.suites import Options, tracked
from governance.policy import standard_policy
from governance.recommendation import Draft
from models.synthetic import company_month
from models.synthetic_numbers import stream

CASES = 180
_ABOUT = (
    "Made-up exceptions of every type go through the agent's own nodes up to the guard, once for each language that a "
    "party may read. Complete: recipient, subject, greeting, reference, request, signature and language. Traceable: "
    "figures in the letter that stand on record. Then every letter is spoilt in many ways, and the guard must "
    "refuse each. Intervals are over cases. Every template: each one in each language and tone, on whole "
    "and on thin records, by templates and by a helpful language model; a reader of its own reads each letter back "
    "(months, currencies, numbers), and every name, number, date and amount in it is looked up on record."
)


@dataclass(frozen=True, slots=True)
class Written:
    """One letter that passed the guard, with what it was judged on."""

    case: Triaged
    language: str
    draft: Draft
    elements: dict[str, bool]
    traced: list[bool]
    refused: dict[str, bool]

    @property
    def key(self) -> str:
        return self.case.planted.source_key


def run(options: Options) -> SuiteResult:
    month = company_month(
        held_out(options.seed, 700), suppliers=60, customers=30, invoices=sized(400, options.scale, 120),
        exceptions=sized(CASES, options.scale, 40), mail=0,
    )  # fmt: skip
    policy = standard_policy()
    cases: list[tuple[str, Triaged]] = []
    for language in tracked(LANGUAGES, "languages"):
        cases += [(language, one) for one in triaged(month, options.bundle.pair_scorer, policy, language)]
    rng = stream(options.seed, "spoilt letters")
    written = [
        _judged(case, language, Draft(**case.letter["draft"]), rng)
        for language, case in cases
        if case.letter["draft"] is not None
    ]
    first = [case for language, case in cases if language == LANGUAGES[0]]
    made = every_letter(first, options.seed, min(1.0, options.scale))
    metrics = [
        *_letter_metrics(written, [case for _, case in cases], options),
        *_template_metrics(made, options),
        *_triage_metrics(first, options),
    ]
    return SuiteResult(
        suite="drafts",
        about=_ABOUT,
        metrics=metrics,
        tables=[_by_language(written), _by_record(made), _missing(written, made), _strangers(made), _confusions(first)],
        plots=[
            Dots(
                "Spoilt letters refused, by kind of invention",
                "Share of letters that the guard refused after one thing that the record does not hold was put in.",
                "share refused",
                [(words(one.name.removeprefix("refused_")), one.value, one.low, one.high)
                 for one in metrics if one.name.startswith("refused_")],
            )
        ],
        notes=[
            f"{len(written)} letters about {len({one.key for one in written})} cases, composed from templates; "
            f"{len(first)} cases in all",
            f"{len(made)} drafts of every template, language and tone, with what the record holds and without; "
            f"{sum(one.asked_model for one in made)} of them asked of a language model",
            "Agreement is with what the maker of the cases holds for right; another clerk may see some otherwise.",
        ],
        sheets=_sheets(made),
    )  # fmt: skip


def _judged(case: Triaged, language: str, draft: Draft, rng: Random) -> Written:
    task = letter_for(case.view, case.choice)
    assert task is not None, "a letter that passed the guard has a task"
    known = letters.evidence(case)
    twins = [case.choice["extra"].get(name) for name in ("late_number", "kept_number")]
    record = held(case.view.brief, case.view.sender, tuple(one for one in twins if one))
    spoilt = letters.spoilt(draft, known, rng)
    return Written(
        case=case,
        language=language,
        draft=draft,
        elements=letters.elements(case, draft, language),
        traced=[
            *(figure in known for figure in letters.figures(draft)),
            *(record.holds(fact) for fact in stated(draft, record)),
        ],
        refused={one.kind: bool(refusals(one.draft, task.to, task.facts)) for one in spoilt},
    )


def _share(name: str, values: Sequence[bool], groups: Sequence[str], options: Options, dataset: str) -> Metric:
    numbers = np.array(values, dtype=float)
    found = resampled(lambda at: mean(numbers[at]), groups, options.seed, options.resamples)
    return Metric(dataset, name, found.value, found.low, found.high, len(values))


def _letter_metrics(written: Sequence[Written], cases: Sequence[Triaged], options: Options) -> list[Metric]:
    def share(name: str, values: Sequence[tuple[str, bool]]) -> Metric:
        """The share of True among (case, bool)."""
        return _share(name, [hit for _, hit in values], [key for key, _ in values], options, "letters")

    # What the guard refuses of the templates' own letters: there the letter was good.
    wrote = [one for one in cases if one.letter["draft"] or one.letter["refused"]]
    kinds = {
        kind: [(one.key, one.refused[kind]) for one in written if kind in one.refused] for kind in letters.SPOILERS
    }
    return [
        Metric("letters", "letters", float(len(written)), count=len(written)),
        share("complete", [(one.key, all(one.elements.values())) for one in written]),
        share("traceable", [(one.key, hit) for one in written for hit in one.traced]),
        share("spoilt_refused", [hit for hits in kinds.values() for hit in hits]),
        share("false_refusals", [(one.planted.source_key, bool(one.letter["refused"])) for one in wrote]),
        *(share(f"refused_{kind}", hits) for kind, hits in kinds.items() if hits),
    ]


def _template_metrics(made: Sequence[Made], options: Options) -> list[Metric]:
    def share(name: str, values: Sequence[tuple[str, bool]]) -> Metric:
        return _share(name, [hit for _, hit in values], [template for template, _ in values], options, "every_template")

    drafts = [one for one in made if one.draft is not None]
    asked = [one for one in made if one.asked_model]
    return [
        Metric("every_template", "drafts", float(len(drafts)), count=len(made), unit="letters"),
        share("passed_the_guard", [(one.template, one.draft is not None) for one in made]),
        share("traceable", [(one.template, known) for one in drafts for _, known in one.facts]),
        share("complete", [(one.template, all(one.elements.values())) for one in drafts]),
        share("phrased_by_model", [(one.template, one.phrased_by_model) for one in asked]),
    ]


def _triage_metrics(cases: Sequence[Triaged], options: Options) -> list[Metric]:
    keys = [one.planted.source_key for one in cases]

    def share(name: str, values: Sequence[bool]) -> Metric:
        return _share(name, values, keys, options, "triage")

    referred = [one.action == "refer_to_person" for one in cases]
    agreed = [one.action == one.planted.action for one in cases]
    return [
        share("cause_agreement", [one.view.cause["primary"] == one.planted.cause for one in cases]),
        share("action_agreement", agreed),
        share("referred_to_person", referred),
        share("other_action", [not same and not left for same, left in zip(agreed, referred, strict=True)]),
    ]


def _by_language(written: Sequence[Written]) -> Table:
    rows = []
    for language in LANGUAGES:
        own = [one for one in written if one.language == language]
        traced = [hit for one in own for hit in one.traced]
        spoilt = [hit for one in own for hit in one.refused.values()]
        if own:
            rows.append(
                (
                    language,
                    len(own),
                    sum(all(one.elements.values()) for one in own) / len(own),
                    sum(traced) / len(traced) if traced else None,
                    sum(spoilt) / len(spoilt),
                )
            )
    columns = ("language", "letters", "complete", "figures traceable", "spoilt ones refused")
    return Table("Letters by language", columns, rows)


def _by_record(made: Sequence[Made]) -> Table:
    """How much was known, and by whom the letter is."""
    rows = []
    for record in RECORDS:
        for asked in (False, True):
            own = [one for one in made if one.record == record and one.asked_model == asked and one.draft]
            facts = [known for one in own for _, known in one.facts]
            if own:
                complete = sum(all(one.elements.values()) for one in own) / len(own)
                known = sum(facts) / len(facts) if facts else None
                rows.append((record, "language model" if asked else "templates", len(own), len(facts), known, complete))
    return Table(
        "Every template, by what is on record",
        ("record", "phrased by", "letters", "facts stated", "traceable", "complete"),
        rows,
        " Whole: all that a template can say. Sparse: number and amount alone. Bare: not even these.",
    )


def _strangers(made: Sequence[Made]) -> Table:
    rows = [
        (one.template, one.language, one.tone, fact.kind, str(fact.value))
        for one in made for fact, known in one.facts if not known
    ]  # fmt: skip
    return Table("Facts that no record holds", ("template", "language", "tone", "kind", "fact"), rows[:20])


def _sheets(made: Sequence[Made]) -> list[Sheet]:
    """A letter of each template in each language, as its reader gets it."""
    found: dict[tuple[str, str], Sheet] = {}
    for one in made:
        whole = one.record == RECORDS[0] and one.tone == "neutral" and not one.asked_model
        if whole and one.draft is not None and (one.language, one.template) not in found:
            text = f"{one.draft.subject}\n\n{one.draft.body}"
            found[one.language, one.template] = Sheet(f"Letters: {one.language}", heading(one.template), text)
    return list(found.values())


def _missing(written: Sequence[Written], made: Sequence[Made]) -> Table:
    counts = Counter(
        (one.case.action, one.language, name) for one in written for name, there in one.elements.items() if not there
    )
    counts.update(
        (one.template, one.language, name) for one in made for name, there in one.elements.items() if not there
    )
    rows = [(words(action), language, words(name), count) for (action, language, name), count in counts.most_common(20)]
    return Table("What letters lack", ("action", "language", "element", "letters"), rows)


def _confusions(cases: Sequence[Triaged]) -> Table:
    counts = Counter(
        (one.planted.exception_type, one.planted.action, one.action)
        for one in cases
        if one.action != one.planted.action
    )
    rows = [(words(kind), words(said), words(done), count) for (kind, said, done), count in counts.most_common(20)]
    return Table("Where the agent proposes something else", ("exception", "maker says", "agent says", "cases"), rows)
