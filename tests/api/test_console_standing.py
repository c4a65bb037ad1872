"""The page Standing without scripts: lend a role, take it back, be away, be back; and what each refusal says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.console.standing import moment, zones
from governance.errors import Malformed
from governance.record import standing
from tests.api.conftest import Api
from tests.api.visitor import Visitor, form_of, forms, signed_in, words

HERE = "/console/standing"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
NEXT_WEEK = (datetime.now(UTC) + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M")


def of(api: Api, what: str) -> list[dict[str, Any]]:
    with api.world.database.transaction("review", api.world.tokens["auditor"]) as conn:
        return standing.delegations(conn) if what == "delegations" else standing.absences(conn)


def lend(visitor: Visitor, **values: str) -> httpx.Response:
    return visitor.send(
        form_of(visitor.get(HERE), "/lend"), **{name.replace("__", "."): v for name, v in values.items()}
    )


def refused(response: httpx.Response, status: int, said: str) -> httpx.Response:
    assert response.status_code == status, words(response)
    assert "Not recorded." in words(response)
    assert said in words(response), words(response)
    return response


def test_lend_a_role_and_take_it_back(api: Api) -> None:
    controller = signed_in(api, "controller")
    response = lend(
        controller, to="reviewer2", until=NEXT_WEEK, queue__accounts_payable="yes", entities=" DE01 , ",
        below="10,000.50",
    )  # fmt: skip
    page = controller.follow(response)
    assert "Lent: reviewer2 may sign as controller for you until" in words(page)
    assert "Controller you Reviewer2" in words(page)
    assert "Accounts payable, DE01, below 10,000.50 EUR" in words(page)
    (made,) = of(api, "delegations")
    assert (made["from_actor"], made["to_actor"], made["role"]) == ("controller", "reviewer2", "controller")
    assert (made["queues"], made["entities"], str(made["amount_below"])) == (["accounts_payable"], ["DE01"], "10000.50")
    assert made["starts_at"] <= datetime.now(UTC) < made["ends_at"]
    taker = signed_in(api, "reviewer2")
    assert "Controller Controller you" in words(taker.get(HERE))
    assert "Give it back" in words(taker.get(HERE))
    page = controller.follow(controller.send(form_of(controller.get(HERE), f"/delegations/{made['id']}/end")))
    assert "Ended: that role is lent no more." in words(page)
    assert of(api, "delegations") == []


def test_who_borrows_can_give_back_and_others_only_look(api: Api) -> None:
    lend(signed_in(api, "reviewer"), to="analyst", until=NEXT_WEEK)
    other = signed_in(api, "reviewer2").get(HERE)
    assert "Lent among others" in words(other)
    assert "Take it back" not in words(other)
    (made,) = of(api, "delegations")
    stranger = signed_in(api, "reviewer2")
    csrf = form_of(stranger.get(HERE), "/sign-out").fields["csrf"]
    refused(stranger.http.post(f"{HERE}/delegations/{made['id']}/end", data={"csrf": csrf}), 403, "revoke delegations")
    taker = signed_in(api, "analyst")
    taker.follow(taker.send(form_of(taker.get(HERE), f"/delegations/{made['id']}/end")))
    assert of(api, "delegations") == []
    csrf = form_of(taker.get(HERE), "/sign-out").fields["csrf"]
    again = taker.http.post(f"{HERE}/delegations/{made['id']}/end", data={"csrf": csrf})
    refused(again, 404, "There is no such live delegation")


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"to": ""}, 400, "Choose to whom."),
        ({"until": ""}, 400, "Say until when."),
        ({"until": "tomorrow"}, 400, "Until: give a day and a time, such as 2026-12-24T08:00."),
        ({"from": "31.12.2026"}, 400, "From: give a day and a time"),
        ({"until": "2020-01-01T08:00"}, 400, "The end must be later than the beginning."),
        ({"from": "2020-01-01T08:00", "until": "2020-01-02T08:00"}, 400, "The end is past already."),
        ({"from": NEXT_WEEK, "until": TOMORROW}, 400, "The end must be later than the beginning."),
        ({"until": "9999-12-31T23:59"}, 400, "the year 9999 cannot be meant"),
        ({"until": "2190-12-31T23:59"}, 400, "within a year"),
        ({"zone": "Mars/Olympus"}, 400, "Choose one of the time zones"),
        ({"below": "10.000,00"}, 400, "write the amount as 10000 or 10,000.00"),
        ({"below": "1.234"}, 400, "write the amount as"),
        ({"below": "0.00"}, 400, "an amount of zero would lend nothing"),
        ({"below": "-5"}, 400, "write the amount as"),
        ({"entities": "DE01, DE99"}, 400, "There is no entity DE99 in the books."),
        ({"role": "controller"}, 403, "Only a role of your own"),
        ({"to": "auditor"}, 403, "another active person who is no auditor"),
        ({"to": "reviewer"}, 403, "another active person"),
        ({"to": "nobody"}, 403, "another active person"),
    ],
)
def test_what_cannot_be_lent_says_why_and_keeps_what_was_typed(
    api: Api, values: dict[str, str], status: int, said: str
) -> None:
    visitor = signed_in(api, "reviewer")
    filled = {"to": "reviewer2", "until": NEXT_WEEK, "queue.order_to_cash": "yes", **values}
    page = refused(visitor.send(form_of(visitor.get(HERE), "/lend"), **filled), status, said)
    kept = form_of(page, "/lend").fields
    assert kept["queue.order_to_cash"] == "yes"
    assert kept["until"] == filled["until"]
    assert all(kept[name] == value for name, value in values.items() if name not in ("zone", "role", "to"))
    assert of(api, "delegations") == []


def test_no_circles(api: Api) -> None:
    lend(signed_in(api, "reviewer"), to="controller", until=NEXT_WEEK)
    refused(lend(signed_in(api, "controller"), to="reviewer", until=NEXT_WEEK), 403, "must not go in a circle")


def test_who_has_nothing_to_lend_or_only_reads(api: Api) -> None:
    page = signed_in(api, "analyst").get(HERE)
    assert "You hold no role that fills a seat, so there is none to lend." in words(page)
    assert not [form for form in forms(page) if form.action.endswith("/lend")]
    auditor = signed_in(api, "auditor")
    page = auditor.get(HERE)
    assert "Your role reads here; it does not lend." in words(page)
    assert [form.action for form in forms(page)] == ["/console/sign-out"]
    csrf = forms(page)[0].fields["csrf"]
    response = auditor.http.post(f"{HERE}/away", data={"csrf": csrf, "until": NEXT_WEEK})
    refused(response, 403, "do not permit you to delegate a role or say who is away")


def test_away_and_back(api: Api) -> None:
    visitor = signed_in(api, "controller")
    page = visitor.get(HERE)
    assert "others stand in: administrator for controller" in words(page)
    page = visitor.follow(visitor.send(form_of(page, "/away"), until=NEXT_WEEK))
    assert "Recorded: You are away from" in words(page)
    (made,) = of(api, "absences")
    assert (made["actor"], made["set_by"]) == ("controller", "controller")
    assert "I am back" not in words(signed_in(api, "reviewer").get(HERE))
    page = visitor.follow(visitor.send(form_of(page, f"/absences/{made['id']}/end")))
    assert "Recorded: back again." in words(page)
    assert of(api, "absences") == []
    assert "Nobody." in words(page)


def test_an_administrator_says_it_of_others_and_nobody_else_does(api: Api) -> None:
    admin = signed_in(api, "admin1")
    form = form_of(admin.get(HERE), "/away")
    assert form.fields["who"] == "admin1"
    page = admin.follow(admin.send(form, who="controller", until=NEXT_WEEK))
    assert "Recorded: controller is away" in words(page)
    assert "Is back" in words(page)
    reviewer = signed_in(api, "reviewer")
    form = form_of(reviewer.get(HERE), "/away")
    response = reviewer.http.post(form.action, data={**form.fields, "who": "controller", "until": NEXT_WEEK})
    refused(response, 403, "say when others are away")


def test_a_form_works_once_and_an_address_claims_nothing(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    form = form_of(visitor.get(HERE), "/lend")
    first, second = (visitor.send(form, to="reviewer2", until=NEXT_WEEK) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    (made,) = of(api, "delegations")
    other = signed_in(api, "reviewer2")
    assert "Lent: " not in words(other.get(f"{HERE}?lent={made['id']}"))
    for query in ("lent=999999", "away=999999", "lent=0"):
        assert 'role="status"' not in visitor.get(f"{HERE}?{query}").text
    assert visitor.get(f"{HERE}?lent=x").status_code == 400
    assert Visitor(api).get(HERE).status_code == 401


def test_forged_forms_do_nothing(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    for path in ("lend", "away", "delegations/1/end", "absences/1/end"):
        response = visitor.http.post(f"{HERE}/{path}", data={"to": "reviewer2", "until": NEXT_WEEK})
        assert response.status_code == 403
    assert of(api, "delegations") == of(api, "absences") == []


def test_times_are_typed_where_one_is_and_kept_in_utc() -> None:
    if "Europe/Berlin" not in zones():
        pytest.skip("this machine knows no time zones: Debian's package tzdata is not installed")
    assert moment("2026-12-24T08:00", "Europe/Berlin", "From") == datetime(2026, 12, 24, 7, tzinfo=UTC)
    assert moment("2026-07-01 08:00:30", "Europe/Berlin", "From") == datetime(2026, 7, 1, 6, tzinfo=UTC)
    assert moment("2026-07-01T08:00", "UTC", "From") == datetime(2026, 7, 1, 8, tzinfo=UTC)
    with pytest.raises(Malformed, match="clocks go forward"):
        moment("2027-03-28T02:30", "Europe/Berlin", "From")
