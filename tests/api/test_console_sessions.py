"""Signing in and out: whose key, which cookie, which forms are believed."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from psycopg.errors import InsufficientPrivilege

from api.console.session import csrf_of, new_token
from governance.errors import HumanRequired, Malformed, NotPermitted, Unauthenticated
from governance.record import sessions
from tests.api.conftest import Api
from tests.api.visitor import Visitor, filed, form_of, signed_in, words

FORM = {"content-type": "application/x-www-form-urlencoded"}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


def test_sign_in_leads_to_the_queue(api: Api) -> None:
    visitor = Visitor(api)
    assert visitor.get("/console").headers["location"] == "/console/queue"
    assert visitor.get("/console/queue").status_code == 401
    response = visitor.sign_in("reviewer")
    assert (response.status_code, response.headers["location"]) == (303, "/console/queue")
    queue = visitor.get("/console/queue")
    assert queue.status_code == 200
    assert "Reviewer" in words(queue)


def test_the_page_that_was_asked_for_comes_after_sign_in(api: Api) -> None:
    visitor = Visitor(api)
    asked = "/console/queue?queue=accounts_payable&q=INV"
    assert visitor.sign_in("reviewer", page=asked).headers["location"] == asked


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "/v1/cases", "/console/../v1", "javascript:1"],
)
def test_sign_in_never_leads_elsewhere(api: Api, elsewhere: str) -> None:
    visitor = Visitor(api)
    form = form_of(visitor.get("/console/sign-in"), "/sign-in")
    response = visitor.send(form, user="reviewer", key=api.world.tokens["reviewer"], next=elsewhere)
    location = httpx.URL(api.url).join(response.headers["location"])
    assert str(location).startswith(f"{api.url}/console") or location.path == "/console/queue"


def test_cookie_is_closed_to_scripts_and_other_sites(api: Api) -> None:
    visitor = Visitor(api)
    cookies = visitor.sign_in("reviewer").headers.get_list("set-cookie")
    session = next(one for one in cookies if one.startswith("countersign="))
    assert re.fullmatch(r"countersign=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=28800; Path=/; SameSite=strict", session), (
        session
    )


def test_cookie_is_secure_unless_on_this_machine(api: Api) -> None:
    visitor = Visitor(api)
    visitor.http.headers["host"] = "review.company.example"
    cookie = visitor.get("/console/sign-in").headers["set-cookie"]
    assert cookie.startswith("__Host-countersign-visit=")
    assert "; Secure" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("reviewer", "controller"),  # another person's key
        ("controller", "reviewer"),
        ("reviewer", None),  # no key of anybody
        ("nobody", "reviewer"),
        ("", "reviewer"),
    ],
)
def test_user_and_key_must_belong_together(api: Api, user: str, key: str | None) -> None:
    visitor = Visitor(api)
    response = visitor.sign_in(user, key="wrong" if key is None else api.world.tokens[key])
    assert response.status_code == 401
    assert "do not belong together" in words(response)
    assert form_of(response, "/sign-in").fields["user"] == user
    assert visitor.get("/console/queue").status_code == 401


@pytest.mark.parametrize("key", ["", " ", "ü", "a" * 600, "x\x00y", "\ud7ff"])
def test_strange_keys_are_only_wrong(api: Api, key: str) -> None:
    assert Visitor(api).sign_in("reviewer", key=key).status_code in (400, 401)


@pytest.mark.parametrize("who", ["service", "agent"])
def test_only_people_sign_in(api: Api, who: str) -> None:
    response = Visitor(api).sign_in(who)
    assert response.status_code == 403
    assert "Only a person may" in words(response) or "Your roles do not permit" in words(response)


def test_signed_out_cookie_is_worth_nothing(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    taken = visitor.http.cookies["countersign"]
    response = visitor.sign_out()
    assert (response.status_code, response.headers["location"]) == (303, "/console/sign-in")
    assert "countersign" not in visitor.http.cookies
    visitor.http.cookies["countersign"] = taken
    again = visitor.get("/console/queue")
    assert again.status_code == 401
    assert "Sign in" in words(again)


@pytest.mark.parametrize("cookie", ["A" * 43, "x", "", "a b", "%00" * 15, "é" * 43, "A" * 5000])
def test_forged_cookie_shows_the_sign_in_page(api: Api, cookie: str) -> None:
    visitor = Visitor(api)
    response = visitor.http.get("/console/queue", headers=[("cookie", b"countersign=" + cookie.encode())])
    assert response.status_code == 401
    assert form_of(response, "/sign-in")


def test_an_api_key_is_no_session(api: Api) -> None:
    key = new_token()
    with api.world.database.transaction("review", api.world.tokens["reviewer"]) as conn:
        conn.execute("SELECT cs.issue_key(%s, 'reviewer', 'other', NULL)", (sessions.token_hash(key),))
    assert api.client(key).get("/v1/me").status_code == 200
    response = api.client(None).get("/console/queue", headers={"cookie": f"countersign={key}"})
    assert response.status_code == 401


def test_session_ends_by_itself_and_with_its_key(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    api.world.scalar(
        "UPDATE cs.credentials SET expires_at = now() WHERE kind = 'session' AND tenant = %s RETURNING 1",
        api.world.tenant,
    )
    assert visitor.get("/console/queue").status_code == 401
    other = signed_in(api, "controller")
    key_id = api.world.scalar(
        "SELECT id FROM cs.credentials WHERE actor = 'controller' AND kind = 'api_key' AND tenant = %s",
        api.world.tenant,
    )
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.revoke_key(%s)", (key_id,))
    assert other.get("/console/queue").status_code == 401
    # What ended with the key does not stand in the way of a new key, once the person is switched off.
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('controller', false)")
        conn.execute("SELECT cs.issue_key(%s, 'controller', 'new', NULL)", (sessions.token_hash(new_token()),))


def test_switched_off_person_is_out_at_once(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.set_active('reviewer', false)")
    assert visitor.get("/console/queue").status_code == 401


def test_signing_in_again_ends_the_session_before(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    first = visitor.http.cookies["countersign"]
    assert visitor.sign_in("controller").status_code == 303
    assert visitor.http.cookies["countersign"] != first
    visitor.http.cookies["countersign"] = first
    assert visitor.get("/console/queue").status_code == 401


# --- forged requests ---------------------------------------------------------------------------------------------


def _session_posts(api: Api) -> list[str]:
    made = filed(api)
    return [f"/console/recommendations/{made['id']}", f"/console/tasks/{made['id']}", "/console/sign-out"]


def test_a_post_without_the_form_token_is_refused(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    other = signed_in(api, "controller")
    stranger_token = form_of(other.get("/console/tasks"), "/sign-out").fields["csrf"]
    for path in _session_posts(api):
        for data in ({}, {"csrf": ""}, {"csrf": stranger_token}, {"csrf": "0" * 64}, {"csrf": "é"}):
            response = visitor.http.post(path, data={"decision": "approve", **data})
            assert response.status_code == 403, path
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert "nothing was done" in words(response)
    assert visitor.get("/console/queue").status_code == 200
    response = Visitor(api).http.post("/console/sign-in", data={"user": "reviewer", "key": "x"})
    assert response.status_code == 403
    assert "cookie" in words(response)


def test_a_form_from_another_site_is_refused(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    token = form_of(visitor.get("/console/tasks"), "/sign-out").fields["csrf"]
    for site in ("cross-site", "same-site"):
        response = visitor.http.post("/console/sign-out", data={"csrf": token}, headers={"sec-fetch-site": site})
        assert response.status_code == 403
    assert visitor.get("/console/queue").status_code == 200


def test_a_form_must_be_a_form(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    token = form_of(visitor.get("/console/tasks"), "/sign-out").fields["csrf"]
    post = visitor.http.post
    assert post("/console/sign-out", json={"csrf": token}).status_code == 400
    assert post("/console/sign-out", content="csrf=%ff%fe", headers=FORM).status_code == 400
    assert post("/console/sign-out", content=f"csrf={token}&csrf={token}", headers=FORM).status_code == 400
    assert post("/console/sign-out", content=f"csrf={token}&x=%00", headers=FORM).status_code == 400
    assert post("/console/sign-out", content="&".join(f"a{n}=1" for n in range(200)), headers=FORM).status_code == 400
    assert post("/console/sign-out", content=b"csrf=\xff", headers=FORM).status_code == 400
    assert visitor.get("/console/queue").status_code == 200
    assert post("/console/sign-out", content="a=" + "b" * 600_000, headers=FORM).status_code == 413


def test_forged_cookie_with_its_own_token_is_still_nobody(api: Api) -> None:
    """Who makes up a cookie can compute its form token: the record does not know the session."""
    made = filed(api)
    cookie = "A" * 43
    response = api.client(None).post(
        f"/console/recommendations/{made['id']}",
        data={"csrf": csrf_of(cookie), "decision": "approve", "digest": made["digest"]},
        headers={"cookie": f"countersign={cookie}"},
    )
    assert response.status_code == 401
    assert api.world.recommendation(made["id"])["state"] == "awaiting_review"


# --- pages -------------------------------------------------------------------------------------------------------


def test_every_page_allows_nothing_but_our_own_style(api: Api) -> None:
    made = filed(api)
    visitor = signed_in(api, "reviewer")
    for path in (
        "/console/sign-in", "/console/queue", f"/console/recommendations/{made['id']}", "/console/tasks",
        "/console/recommendations/none", "/console/nowhere", "/console/queue?state=none",
    ):  # fmt: skip
        response = visitor.get(path)
        assert response.headers["content-security-policy"] == POLICY, path
        assert response.headers["cache-control"] == "no-store", path
        assert response.headers["x-content-type-options"] == "nosniff", path
        assert response.headers["content-type"] == "text/html; charset=utf-8", path
        assert not re.search(r"<script|<style|style=|\son[a-z]+=", response.text), path


def test_style_may_be_kept_for_ever(api: Api) -> None:
    page = Visitor(api).get("/console/sign-in")
    found = re.search(r'href="(/console/static/console\.css\?v=[0-9a-f]{16})"', page.text)
    assert found
    response = api.client(None).get(found[1])
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in response.headers["cache-control"]
    for name in ("none.css", "..%2f__init__.py", "console.css%00"):
        assert api.client(None).get(f"/console/static/{name}").status_code == 404


def test_unknown_pages_say_so(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    for path in ("/console/nowhere", "/console/recommendations/none", "/console/recommendations/a%00b"):
        response = visitor.get(path)
        assert response.status_code == 404
        assert "Go to the queue" in words(response)


def test_a_link_from_elsewhere_is_followed_once_more(api: Api) -> None:
    """The strict cookie does not come with a link in a mail: the page asks again by itself, once."""
    visitor = Visitor(api)
    response = visitor.http.get("/console/queue?q=a", headers={"sec-fetch-site": "cross-site"})
    assert response.headers["refresh"] == "0; url=/console/queue?q=a&followed=1"
    again = visitor.http.get("/console/queue?q=a&followed=1", headers={"sec-fetch-site": "cross-site"})
    assert "refresh" not in again.headers
    assert "refresh" not in visitor.get("/console/queue").headers


# --- the record --------------------------------------------------------------------------------------------------


def _ledger(api: Api, kind: str) -> list[tuple[Any, ...]]:
    with api.world.database.transaction("owner") as conn:
        rows = conn.execute(
            "SELECT entry::jsonb ->> 'actor', subject, entry::jsonb -> 'body' FROM cs.ledger "
            "WHERE kind = %s AND tenant = %s",
            (kind, api.world.tenant),
        )
        return rows.fetchall()


def test_opening_and_closing_stand_in_the_ledger(api: Api) -> None:
    signed_in(api, "reviewer").sign_out()
    ((opener, opened, body),) = _ledger(api, "session.opened")
    ((closer, closed, _),) = _ledger(api, "session.closed")
    assert (opener, closer) == ("reviewer", "reviewer")
    assert opened == closed
    assert set(body) == {"key", "expires_at"}


def test_the_record_keeps_no_token(api: Api) -> None:
    visitor = signed_in(api, "reviewer")
    token = visitor.http.cookies["countersign"]
    found = api.world.scalar(
        "SELECT sha256 FROM cs.credentials WHERE kind = 'session' AND tenant = %s", api.world.tenant
    )
    assert found == sessions.token_hash(token)
    assert token not in str(_ledger(api, "session.opened"))


def test_the_law_of_sessions(api: Api) -> None:
    database, tokens = api.world.database, api.world.tokens

    mine = new_token()

    def begin(by: str, minutes: int = 5, token: str = mine) -> None:
        with database.transaction("review", by) as conn:
            sessions.open_session(conn, token, minutes)

    with pytest.raises(HumanRequired):
        begin(tokens["service"])
    with pytest.raises(Unauthenticated):
        begin("nobody's")
    for minutes in (0, -1, 1441):
        with pytest.raises(Malformed):
            begin(tokens["reviewer"], minutes)
    begin(tokens["reviewer"])
    with pytest.raises(Malformed):
        begin(tokens["controller"])  # a token of another session
    with pytest.raises(NotPermitted):
        begin(mine, token=new_token())  # a session cannot prolong itself
    with pytest.raises(Unauthenticated), database.transaction("review", tokens["reviewer"]) as conn:
        sessions.current(conn)
    with pytest.raises(Unauthenticated), database.transaction("review", tokens["reviewer"]) as conn:
        sessions.close_session(conn)
    with database.transaction("review", mine) as conn:
        sessions.close_session(conn)
    with pytest.raises(Unauthenticated), database.transaction("review", mine) as conn:
        sessions.close_session(conn)


def test_session_never_outlives_its_key(api: Api) -> None:
    ends = api.world.scalar(
        "UPDATE cs.credentials SET expires_at = now() + interval '3 minutes' "
        "WHERE actor = 'reviewer' AND kind = 'api_key' AND tenant = %s RETURNING expires_at",
        api.world.tenant,
    )
    with api.world.database.transaction("review", api.world.tokens["reviewer"]) as conn:
        assert sessions.open_session(conn, new_token(), 60) == ends


def test_other_database_roles_open_no_sessions(api: Api) -> None:
    for role in ("intake", "agent", "courier", "audit"):
        refused = pytest.raises(InsufficientPrivilege)
        with refused, api.world.database.transaction(role, api.world.tokens["reviewer"]) as conn:
            sessions.open_session(conn, new_token(), 5)


def test_a_session_makes_no_keys(api: Api) -> None:
    """A stolen cookie must not become a key that outlives it."""
    database, token = api.world.database, new_token()
    with database.transaction("review", api.world.tokens["reviewer"]) as conn:
        sessions.open_session(conn, token, 5)
    with pytest.raises(NotPermitted), database.transaction("review", token) as conn:
        conn.execute("SELECT cs.issue_key(repeat('a', 64), 'reviewer', 'mine', NULL)")
