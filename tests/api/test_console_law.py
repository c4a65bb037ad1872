"""What the console offers agrees with the law: evidence, lent roles, stand-ins, signatures, erased words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.words import in_words
from governance import errors
from governance.action import Action
from governance.record import standing
from tests.api.conftest import Api
from tests.api.visitor import Form, Visitor, filed, form_of, forms, signed_in, words

DAY = timedelta(days=1)


def payment(api: Api, **item: Any) -> dict[str, Any]:
    """A release of a payment: one reviewer and one controller, who opened the document (or else the facts)."""
    action = Action("release_payment", {"invoice_id": "INV-1"})
    return filed(api, action=action, **{"exception_type": "invoice_received", "content": b"<Invoice/>", **item})


def lend(api: Api, giver: str, taker: str, role: str, **scope: Any) -> int:
    now = datetime.now(UTC)
    with api.world.database.transaction("review", api.world.tokens[giver]) as conn:
        return standing.delegate(conn, taker, role, now - DAY, now + 5 * DAY, **scope)


def away(api: Api, who: str, by: str | None = None) -> None:
    now = datetime.now(UTC)
    with api.world.database.transaction("review", api.world.tokens[by or who]) as conn:
        standing.set_absence(conn, who, now - DAY, now + 5 * DAY)


def offered(visitor: Visitor, made: dict[str, Any]) -> Form | None:
    page = visitor.item(made["id"])
    return next((form for form in forms(page) if form.action.endswith(made["id"]) and form.method == "post"), None)


def openings(api: Api) -> list[str]:
    found = api.world.scalar(
        "SELECT array_agg(actor || ' ' || what ORDER BY actor, what) FROM cs.openings WHERE tenant = %s",
        api.world.tenant,
    )
    return list(found or [])


# --- evidence ----------------------------------------------------------------------------------------------------


def test_the_document_is_opened_before_an_approval(api: Api) -> None:
    made = payment(api)
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"])
    assert "Policy wants you to open the document before you approve. Open the document" in words(page)
    assert openings(api) == ["reviewer case"]
    form = form_of(page, made["id"])
    assert "arg.supplier_id" in form.fields  # nothing that the action leaves out is filled in for it
    refused = visitor.send(form, decision="approve", comment="typed")
    assert refused.status_code == 409
    said = words(refused)
    assert "policy demands that you open the document before you approve" in said.lower()
    assert "Open it, then record your decision again: what you filled in is still there. Open the document" in said
    again = form_of(refused, made["id"])
    assert (again.fields["comment"], again.fields["decision"]) == ("typed", "approve")
    assert visitor.get(f"/console/cases/{made['case_id']}/document").content == b"<Invoice/>"
    assert openings(api) == ["reviewer case", "reviewer document"]
    # The page from before still works: a document that is saved does not load the page again.
    done = visitor.follow(visitor.send(again))
    assert "You signed as reviewer. Still to sign: controller." in words(done)
    assert "Reviewer approved as reviewer, having opened the document" in words(done)
    assert "Policy wants you to open" not in words(visitor.item(made["id"]))


def test_without_a_document_the_page_is_the_evidence(api: Api) -> None:
    made = payment(api, content=None)
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"])
    assert "Policy wants you to open" not in words(page)
    assert visitor.send(form_of(page, made["id"]), decision="approve").status_code == 303


def test_a_page_of_earlier_facts_opens_nothing(api: Api) -> None:
    made = payment(api, content=None)
    payment(api, content=None, amount="1300.00")
    visitor = signed_in(api, "reviewer")
    assert "The case has newer facts (revision 2)" in words(visitor.item(made["id"]))
    assert openings(api) == []


def test_letters_need_no_evidence(api: Api) -> None:
    made = filed(api, content=b"<Invoice/>")
    assert "Policy wants you to open" not in words(signed_in(api, "reviewer").item(made["id"]))


# --- seats -------------------------------------------------------------------------------------------------------


def test_a_borrowed_role_signs_for_who_lent_it(api: Api) -> None:
    made = payment(api)
    lend(api, "controller", "reviewer2", "controller")
    visitor = signed_in(api, "reviewer2")
    api.world.opened("reviewer2", made)
    form = offered(visitor, made)
    assert form is not None
    assert form.choices["seat"] == ["reviewer", "controller|controller"]
    page = visitor.follow(visitor.send(form, decision="approve", seat="controller|controller"))
    assert "You signed as controller for Controller. Still to sign: reviewer." in words(page)
    assert "Controller Reviewer2 for Controller" in words(page)
    assert "Reviewer2 approved as controller for Controller, having opened the document" in words(page)
    seats = api.world.recommendation(made["id"])["seats"]
    assert seats[0] == {"role": "controller", "filled_by": "reviewer2", "acting_for": "controller"}
    # The authority is used up: the page says so to its owner.
    owner = signed_in(api, "controller").item(made["id"])
    assert "approve" not in form_of(owner, made["id"]).choices["decision"]


def test_a_seat_that_was_chosen_is_no_part_of_other_decisions(api: Api) -> None:
    made = payment(api)
    lend(api, "controller", "reviewer2", "controller")
    visitor = signed_in(api, "reviewer2")
    form = offered(visitor, made)
    assert form is not None
    done = visitor.send(form, decision="reject", seat="controller|controller", reason_code="wrong_data")
    assert "Rejected." in words(visitor.follow(done))


def test_an_analyst_may_sign_for_somebody_and_nothing_else(api: Api) -> None:
    made = payment(api)
    visitor = signed_in(api, "analyst")
    assert "yours to sign" not in words(visitor.get("/console/queue"))
    form = offered(visitor, made)
    assert form is None or "approve" not in form.choices["decision"]
    lend(api, "reviewer", "analyst", "reviewer")
    assert "yours to sign" in words(visitor.get("/console/queue"))
    api.world.opened("analyst", made)
    form = offered(visitor, made)
    assert form is not None
    assert form.choices["decision"] == ["approve"]
    assert form.choices["seat"] == ["reviewer|reviewer"]
    page = visitor.follow(visitor.send(form, decision="approve"))
    assert "You signed as reviewer for Reviewer." in words(page)


@pytest.mark.parametrize("scope", [{"queues": ["order_to_cash"]}, {"entities": ["FR01"]}, {"amount_below": 1200}])
def test_a_delegation_that_does_not_cover_the_case_is_not_offered(api: Api, scope: dict[str, Any]) -> None:
    made = payment(api)
    lend(api, "controller", "reviewer2", "controller", **scope)
    form = offered(signed_in(api, "reviewer2"), made)
    assert form is not None
    assert "seat" not in form.choices


def test_the_limit_of_a_delegation_is_in_the_policys_currency(api: Api) -> None:
    api.world.import_books("fx", [{"day": "2020-01-01", "currency": "USD", "per_eur": "2"}])
    made = payment(api, amount="2000.00", currency="USD")
    lend(api, "controller", "reviewer2", "controller", amount_below=1001)
    form = offered(signed_in(api, "reviewer2"), made)
    assert form is not None
    assert form.choices["seat"] == ["reviewer", "controller|controller"]


def test_who_stands_in_is_said(api: Api) -> None:
    made = payment(api, content=None)
    visitor = signed_in(api, "admin1")
    assert "No open seat of this recommendation fits your roles" in words(visitor.item(made["id"]))
    away(api, "controller")
    assert "yours to sign" in words(visitor.get("/console/queue"))
    page = visitor.item(made["id"])
    assert "Controller, standing in as administrator" in words(page)
    page = visitor.follow(visitor.send(form_of(page, made["id"]), decision="approve"))
    assert "Controller Admin1 , standing in as administrator" in words(page).replace("Admin1,", "Admin1 ,")
    assert "Admin1 approved as controller, standing in as administrator, having opened the case" in words(page)


def test_who_sent_the_holder_away_is_offered_nothing(api: Api) -> None:
    made = payment(api, content=None)
    away(api, "controller", by="admin1")
    assert "approve" not in form_of(signed_in(api, "admin1").item(made["id"]), made["id"]).choices["decision"]
    assert "approve" in form_of(signed_in(api, "admin2").item(made["id"]), made["id"]).choices["decision"]


def test_a_seat_that_nobody_can_take_is_said(api: Api) -> None:
    made = payment(api, content=None)
    visitor = signed_in(api, "reviewer")
    assert "An open seat cannot be filled now" not in words(visitor.item(made["id"]))
    for who in ("controller", "admin1", "admin2"):
        away(api, who)
    api.world.tick()
    page = words(visitor.item(made["id"]))
    assert "An open seat cannot be filled now." in page
    assert "nobody can take the open seat now (controller): it waits, and nobody is skipped" in page.lower()


def test_bank_details_that_changed_stop_the_approval(api: Api) -> None:
    made = payment(api, content=None)
    api.world.import_books(
        "bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": "DE89370400440532013000"}]
    )
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"])
    assert "approve" not in form_of(page, made["id"]).choices["decision"]
    assert "The payee's bank details changed since this was proposed" in words(page)
    refused = visitor.send(form_of(page, made["id"]), decision="approve")
    assert refused.status_code == 409
    assert "check the new bank details" in words(refused)


# --- the page and the database -----------------------------------------------------------------------------------

PEOPLE = ("analyst", "reviewer", "reviewer2", "controller", "admin1", "admin2", "auditor")
LENT = st.tuples(
    st.sampled_from(["reviewer", "controller"]), st.sampled_from(PEOPLE[:6]), st.sampled_from([None, 100, 5000])
)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    st.lists(LENT, max_size=3),
    st.sets(st.sampled_from(["reviewer", "reviewer2", "controller", "admin1"]), max_size=3),
    st.lists(st.sampled_from(PEOPLE), max_size=2),
    st.booleans(),
)
def test_what_is_offered_is_what_the_database_takes(
    api: Api, lent: list[Any], absent: set[str], signers: list[str], document: bool
) -> None:
    """For everybody: every way to sign that the page offers is taken, and where it offers none, none is."""
    api.world.scalar("UPDATE cs.delegations SET revoked_at = now() WHERE tenant = %s RETURNING 1", api.world.tenant)
    api.world.scalar("UPDATE cs.absences SET ended_at = now() WHERE tenant = %s RETURNING 1", api.world.tenant)
    number = api.world.scalar("SELECT count(*) FROM cs.cases WHERE tenant = %s", api.world.tenant)
    made = payment(api, source_key=f"k{number}", content=b"%d" % number if document else None)
    for giver, taker, below in lent:
        try:
            lend(api, giver, taker, giver, amount_below=below)
        except errors.NotDelegated:
            continue
    for who in absent:
        away(api, who)
    for who in signers:
        api.world.opened(who, made)
        try:
            api.world.decide(who, made, "approve")
        except errors.Refusal:
            continue
    row = api.world.recommendation(made["id"])
    if row["state"] != "awaiting_review":
        return
    ways = [(seat, person) for seat in ("reviewer", "controller") for person in (None, "reviewer", "controller")]
    for who in PEOPLE:
        visitor = signed_in(api, who)
        api.world.opened(who, row)
        form = offered(visitor, row)
        shown: set[tuple[str, str | None]] = set()
        if form is not None and "approve" in form.choices["decision"]:
            roles = api.of(who).get("/v1/me").json()["roles"]
            values = form.choices.get("seat", roles)
            shown = {(one.partition("|")[0], one.partition("|")[2] or None) for one in values}
        taken = {way for way in ways if _takes(api, who, row, *way)}
        assert shown == taken, (who, shown, taken)


class _Undone(Exception):
    pass


def _takes(api: Api, who: str, row: dict[str, Any], seat: str, person: str | None) -> bool:
    """Whether the database would take this approval; it is rolled back."""
    try:
        with api.world.database.transaction("review", api.world.tokens[who]) as conn:
            conn.execute(
                "SELECT cs.decide(%s, 'approve', %s, %s, %s)", (row["id"], row["digest"], seat, person)
            ).fetchone()
            raise _Undone
    except _Undone:
        return True
    except errors.Refusal:
        return False


# --- signatures --------------------------------------------------------------------------------------------------


def test_a_tier_with_signatures_is_signed_where_the_key_is(api: Api) -> None:
    made = payment(api, amount="2000000.00")
    lend(api, "controller", "reviewer", "controller")
    visitor = signed_in(api, "reviewer")
    page = visitor.item(made["id"])
    command = f"countersign sign {made['id']} --key FILE"
    assert command in words(page)
    assert "You may sign as reviewer, or as controller for Controller ( --for controller )." in words(page)
    assert "Policy wants you to open the document" in words(page)
    form = form_of(page, made["id"])
    assert form.choices["decision"] == ["override", "reject", "send_back"]
    api.world.opened("reviewer", made)
    refused = visitor.send(form, decision="approve")
    assert refused.status_code == 403
    assert "policy demands your signature over the digest" in words(refused).lower()
    assert f"Sign it where your key is, with this command: {command}" in words(refused)
    # Who cannot sign at all is not told to.
    assert command not in words(signed_in(api, "auditor").item(made["id"]))


# --- erased ------------------------------------------------------------------------------------------------------


def closed(api: Api, **item: Any) -> dict[str, Any]:
    made = filed(api, **item)
    api.world.decide("reviewer", made, "reject", reason_code="other", comment="words of a person")
    return made


def test_an_erased_case_says_by_whom_and_when(api: Api) -> None:
    made = closed(api, content=b"<Invoice/>")
    visitor = signed_in(api, "reviewer")
    assert "words of a person" in words(visitor.item(made["id"]))
    change = api.world.enact("admin1", "erasure", f"case:{made['case_id']}", {})
    page = visitor.item(made["id"])
    said = words(page)
    assert "The words of this case were erased. Courier erased the words of the case, " in said
    assert "The erasure was proposed by Admin1, signed by Admin2, Controller." in said
    assert f"/console/recommendations/{change['id']}" in page.text
    assert "words of a person" not in said
    assert "purchase order for invoice" not in said.lower()
    assert "The document itself was erased." in said
    assert visitor.get(f"/console/cases/{made['case_id']}/document").status_code == 404
    assert "reviewer document" not in openings(api)


def test_a_purged_case_says_so(api: Api) -> None:
    made = closed(api)
    api.world.enact("admin1", "retention", "*", {"days": "10"})
    api.world.scalar(
        "UPDATE cs.cases SET updated_at = now() - interval '20 days' WHERE id = %s RETURNING 1", made["case_id"]
    )
    api.world.tick()
    said = words(signed_in(api, "reviewer").item(made["id"]))
    assert "Courier erased the words of the case: the time for which they are kept is over" in said
    assert "The erasure was proposed" not in said


def test_a_case_that_calls_itself_erased_is_not(api: Api) -> None:
    made = filed(api, title="erased")
    assert "The words of this case were erased" not in words(signed_in(api, "reviewer").item(made["id"]))


# --- words -------------------------------------------------------------------------------------------------------

NAMES = {"rita": "Rita", "carla": "Carla", "courier": "Courier"}


@pytest.mark.parametrize(
    ("kind", "subject", "body", "said"),
    [
        ("decision.approve", "r", {"seat": "reviewer", "acting_for": None, "opened": [], "signature": None},
         "Rita approved as reviewer"),
        ("decision.approve", "r",
         {"seat": "controller", "acting_for": "carla", "opened": ["case", "document"], "complete": True},
         "Rita approved as controller for Carla, having opened the case and the document, which completes the seats"),
        ("decision.approve", "r", {"seat": "controller", "stands_in_as": "administrator", "signature": "ed25519:…"},
         "Rita approved as controller, standing in as administrator, with a signature of their own key"),
        ("change.proposed", "r", {"of": "hold_release"}, "Rita proposed a change: the end of a legal hold"),
        ("change.applied", "r", {"of": "fx", "subject": "USD", "version": None},
         "the change took effect: exchange rates, USD"),
        ("change.applied", "r", {"of": "policy", "subject": "standard", "version": 2},
         "the change took effect: policy, standard, version 2"),
        ("recommendation.regated", "r", {"policy_version": 2},
         "the policy changed: it is asked anew under version 2"),
        ("recommendation.unstaffed", "r", {"roles": ["controller", "reviewer"]},
         "nobody can take the open seat now (controller, reviewer): it waits, and nobody is skipped"),
        ("delegation.made", "1", {"from": "rita", "to": "carla", "role": "reviewer",
                                  "starts_at": "2026-11-23T09:40:00.000000Z", "ends_at": "2026-12-01T00:00:00.000000Z"},
         "Rita lent the role reviewer to Carla from 2026-11-23 09:40 UTC until 2026-12-01 00:00 UTC"),
        ("delegation.revoked", "1", {"from": "carla", "to": "rita"}, "Rita ended the delegation from Carla to Rita"),
        ("absence.set", "carla", {"starts_at": "2026-11-23T09:40:00Z", "ends_at": "2026-12-01T00:00:00Z"},
         "Rita said that Carla is away from 2026-11-23 09:40 UTC until 2026-12-01 00:00 UTC"),
        ("absence.ended", "rita", {"absence": 3}, "Rita said that Rita is back"),
        ("signing_key.revoked", "0123", {"actor": "carla"}, "Rita revoked a signing key of Carla"),
        ("recovery", "acme", {"people": ["carla", "x"], "why": "locked out"},
         "the database's owner took over: Carla, x became administrators (locked out)"),
        ("case.erased", "c", {"recommendations": []}, "Rita erased the words of the case"),
        ("case.purged", "c", {}, "Rita erased the words of the case: the time for which they are kept is over"),
        ("erasure.followed", "mlflow", {"erasures": [1]}, "mlflow has erased the same words"),
        ("something.new", "c", {"{actor}": "{0}"}, "something new"),
    ],
)  # fmt: skip
def test_entries_in_words(kind: str, subject: str, body: dict[str, Any], said: str) -> None:
    assert in_words({"kind": kind, "actor": "rita", "subject": subject, "body": body}, NAMES) == said


def test_every_entry_that_the_law_appends_has_words(api: Api) -> None:
    """What a real day leaves in the ledger reads as sentences without holes."""
    made = payment(api, content=None)
    for who in ("controller", "admin1", "admin2"):
        away(api, who)
    api.world.tick()
    lend(api, "controller", "reviewer2", "controller")
    api.world.opened("reviewer2", made)
    api.world.decide("reviewer2", made, "approve", acting_for="controller")
    rejected = closed(api, source_key="gone")
    api.world.enact("admin1", "erasure", f"case:{rejected['case_id']}", {})
    entries = api.world.scalar(
        "SELECT array_agg(entry ORDER BY seq) FROM cs.ledger WHERE tenant = %s", api.world.tenant
    )
    said = {(entry["kind"], in_words(entry, {})) for entry in map(json.loads, entries)}
    kinds = {kind for kind, _ in said}
    assert kinds >= {
        "change.proposed", "change.applied", "delegation.made", "absence.set", "case.erased",
        "recommendation.unstaffed",
    }  # fmt: skip
    assert [one for one in said if "?" in one[1] or "{" in one[1]] == []
