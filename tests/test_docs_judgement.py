"""docs/judgement.md and docs/letters.md are true: the type by data works as written, tables are the program's."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from agents import diagnosis, guard, letter, llm, own_templates
from agents.diagnose import cause_of
from agents.draft import compose_plain, letter_for
from agents.recommend import choice_of
from agents.tolerances import Tolerances
from api import cli as commands
from api import places
from api.intake import reference
from api.settings import PREFIX, Settings
from evals import cli as evaluations
from governance.matrix import Policy
from governance.policy import MODES, compile_policy, standard_policy
from governance.record import templates
from governance.record.db import Database
from models.synthetic import company_month
from models.synthetic_watched import other_exceptions
from tests.agents.scenes import CUSTOMER, brief, view
from tests.build import world as founded

ROOT = Path(__file__).resolve().parents[1]
JUDGEMENT, LETTERS = ((ROOT / "docs" / name).read_text("utf-8") for name in ("judgement.md", "letters.md"))
PAGES = {"judgement": JUDGEMENT, "letters": LETTERS}


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the table whose first heading begins so."""
    (table,) = re.findall(rf"^\| {re.escape(title)}.*\n\|[ -|]+\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def spans(page: str) -> list[str]:
    """What stands in backticks, blocks left out."""
    return names(" ".join(re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE).split()))


# Commands ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_command_on_the_page_is_one_that_the_program_takes(page: str) -> None:
    inline = [span for span in spans(PAGES[page]) if span.startswith("countersign")]
    lines = re.findall(r"^    (countersign.*)$", PAGES[page], re.MULTILINE)
    asked = [shlex.split(line) for line in [*lines, *inline]]
    assert len(lines) >= 1
    assert len(inline) >= 1
    for program, *given in asked:
        if program == "countersign-evals":
            evaluations.parser_of(given[0]).parse_args(given[1:])
        elif program == "countersign":
            parser, _ = commands.parser_of(given[0])
            parser.parse_args(given[1:])


def proposed(page: str) -> list[list[str]]:
    """[kind, subject, JSON] of every change that the page proposes."""
    lines = re.findall(r"^    (countersign change propose .*)$", page, re.MULTILINE)
    inline = [one for one in spans(page) if one.startswith("countersign change propose")]
    return [shlex.split(line)[3:6] for line in [*lines, *inline]]


def test_what_the_page_proposes_may_be_proposed(database: Database) -> None:
    world = founded(database)
    changes = [one for one in proposed(JUDGEMENT) if one[2].startswith("{")]
    assert {kind for kind, _, _ in changes} == {"calendar", "threshold", "tolerance"}
    for kind, subject, text in changes:
        world.propose("admin1", kind, subject, json.loads(text))


# Tables ------------------------------------------------------------------------------------------------------------


def test_the_queues_and_types_are_those_of_the_standard_policy() -> None:
    said = {names(queue)[0]: names(types) for queue, types in rows(JUDGEMENT, "queue")}
    held: dict[str, list[str]] = {}
    for flow in standard_policy().workflows:
        held.setdefault(flow.queue, []).append(flow.exception_type)
    assert {queue: sorted(types) for queue, types in said.items()} == {q: sorted(t) for q, t in held.items()}


def test_the_details_of_a_type_are_those_that_the_demo_company_sends() -> None:
    month = company_month(3, suppliers=20, customers=15, invoices=250, exceptions=400, mail=0)
    sent: dict[str, set[str]] = {}
    for one in [*month.exceptions, *other_exceptions(month)]:
        if one.row["details"]:
            sent.setdefault(one.exception_type, set()).update(one.row["details"])
    said = {names(kind)[0]: names(keys) for kind, keys in rows(JUDGEMENT, "exception type |")}
    assert {kind: sorted(keys) for kind, keys in said.items()} == {kind: sorted(keys) for kind, keys in sent.items()}


def test_modes_and_causes_are_all_there_in_their_order() -> None:
    assert [names(row[0])[0] for row in rows(JUDGEMENT, "mode")] == list(MODES)
    assert [names(row[0])[0] for row in rows(JUDGEMENT, "cause")] == list(diagnosis.CAUSES)


def test_tolerances_are_those_that_hold_without_a_change() -> None:
    lines = Tolerances().as_texts()
    assert {names(name)[0]: value for name, value, _ in rows(JUDGEMENT, "tolerance")}.items() <= lines.items()
    (least,) = re.findall(r"below (\d+) decisions", JUDGEMENT)
    assert least == lines["confidence_least"]


def test_what_the_clock_is_told_is_what_an_import_needs() -> None:
    told = re.findall(r"`countersign import (\w+) FILE`: (.*?); (.*?) \|", JUDGEMENT)
    assert [kind for kind, _, _ in told] == ["close_tasks", "expected_documents"]
    for kind, needed, more in told:
        wanted, further = needed.split(", "), more.split(", ")
        line = {name: "2026-11-30" if name.endswith(("_date", "_on")) else name for name in [*wanted, *further]}
        assert reference.read(kind, "x.json", json.dumps([line]).encode()).bad == []
        for name in wanted:
            assert reference.read(kind, "x.json", json.dumps([line, {**line, name: ""}]).encode()).bad, name
        kept = reference.read(kind, "x.json", json.dumps([{name: line[name] for name in wanted}]).encode())
        assert kept.bad == []


def test_what_the_guard_refuses_is_what_the_page_says() -> None:
    (listed,) = re.findall(r"`what`: (.*?)\.", " ".join((guard.Refused.__doc__ or "").split()))
    assert {name for what, _ in rows(LETTERS, "`what`") for name in names(what)} == set(listed.split(" | "))


def test_why_there_was_no_answer_is_what_the_page_says() -> None:
    (listed,) = re.findall(r"`why`: (.*?)\.", " ".join((llm.Answer.__doc__ or "").split()))
    said = {name for _, then in rows(LETTERS, "what happens") for name in names(then)}
    assert said == set(listed.split(" | "))


def test_settings_of_the_model_are_all_there_with_their_defaults() -> None:
    said: dict[str, str] = {}
    for variables, defaults, _ in rows(LETTERS, "setting"):
        values = names(defaults) or [""]
        found = names(variables)
        said |= dict(zip(found, values * len(found) if len(values) == 1 else values, strict=True))
    fields = {name: one for name, one in Settings.model_fields.items() if name.startswith("llm_")}
    assert set(said) == {f"{PREFIX}{name}".upper() for name in fields}
    for name, one in fields.items():
        default = one.get_default(call_default_factory=True, validated_data={})
        words = "" if default is None else json.dumps(default) if isinstance(default, bool) else str(default)
        assert said[f"{PREFIX}{name}".upper()] == words, name


def test_the_places_of_the_page_are_places(tmp_path: Path) -> None:
    (tmp_path / "places.toml").write_text(blocks(LETTERS, "toml")[0])
    for tenant, model, key in (("acme", "another-model", "none"), ("other", "some-model", "k")):
        (place,) = places.places(tmp_path / "places.toml", tenant, lambda name: "k")
        assert (place.region, place.model, place.key) == ("EU", model, key)


# The type by data --------------------------------------------------------------------------------------------------


def with_the_type() -> Policy:
    folder = resources.files("governance") / "policies" / "standard"
    matrix, flows = ((folder / name).read_text("utf-8") for name in ("matrix.toml", "workflows.toml"))
    (added,) = blocks(JUDGEMENT, "toml")
    return compile_policy(matrix, flows + "\n" + added)


def seen(table: dict[str, Any] | None = None, **details: Any) -> Any:
    """The case that the page's row becomes, under the policy of the page."""
    row = json.loads(blocks(JUDGEMENT, "json")[1])
    (flow,) = [one for one in with_the_type().workflows if one.exception_type == row["exception_type"]]
    assert flow.queue == row["queue"]
    made = brief(row["exception_type"], row["queue"], supplier=None, customer=CUSTOMER, iban=None, document_class=None,
                 details={**row["details"], **details}, plan=flow.plan,
                 actions=("refer_to_person", *flow.actions))  # fmt: skip
    name = (flow.letters[0], "en")
    return view(made, templates={} if table is None else {name: table})


def test_the_type_of_the_page_is_judged_as_the_page_says() -> None:
    cause = cause_of(seen())
    assert cause.primary == "counterparty"
    assert cause.refuted_by[0] == "a certificate for the time after 2026-11-01"
    assert f'"{cause.refuted_by[0]}"' in " ".join(JUDGEMENT.split())
    assert choice_of(seen())["action"]["name"] == "request_missing_document"
    assert choice_of(seen(claims=4))["action"]["name"] == "schedule_call"
    assert cause_of(seen(policy_number="")).primary == "data_quality"


def test_the_letter_of_the_page_is_written_and_may_go_out() -> None:
    table = json.loads(blocks(JUDGEMENT, "json")[0])
    case = seen(table)
    task = letter_for(case, choice_of(case))
    assert task is not None
    assert (task.template, task.to) == ("request_missing_document_insurance", CUSTOMER.email)
    draft, name = compose_plain(task, None)
    assert name == letter.TEMPLATE
    assert draft.subject == table["subject"]
    assert table["opening"][0] in draft.body
    assert guard.refusals_of(draft, task) == ()


@pytest.mark.parametrize("tone", ["neutral", "friendly", "firm"])
def test_a_letter_of_one_s_own_is_a_letter_in_each_tone(tone: str) -> None:
    (text,) = blocks(LETTERS, "json")
    table = json.loads(text)
    assert templates._is_letter(table)
    case = view(brief(), templates={("request_purchase_order", "en"): table})
    task = letter_for(
        case, {**choice_of(case), "action": {"name": "request_purchase_order", "args": {"supplier_id": "S-1"}}}
    )
    assert task is not None
    assert task.table == table
    toned = replace(task, tone=tone)
    draft, _ = compose_plain(toned, None)
    assert any(line in draft.body for line in table["request" if tone == "neutral" else tone])
    assert guard.refusals_of(draft, toned) == ()


def test_facts_that_a_letter_may_state_are_those_of_the_page() -> None:
    (listed,) = re.findall(r"Facts are (.*?); a `\[", " ".join(LETTERS.split()))
    assert set(names(listed)) == set(own_templates.FACTS)


def test_the_letters_and_the_type_of_the_pages_may_be_proposed(database: Database) -> None:
    """By the record's own checks: proposed, signed, in force."""
    world = founded(database)
    for page in (JUDGEMENT, LETTERS):
        (subject,) = [subject for kind, subject, _ in proposed(page) if kind == "template"]
        table = json.loads(blocks(page, "json")[0])
        own_templates.checked("template", subject, table)
        world.enact("reviewer2", "template", subject, table, ("reviewer", "controller"))
    policy = with_the_type()
    world.enact("admin1", "policy", policy.name, {"policy": policy.text, "source": policy.source})
    assert any(one.exception_type == "insurance_lapsed" for one in policy.workflows)
