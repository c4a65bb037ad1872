"""Sign-in with an identity provider, over HTTP against one of our own: the console's flow and bearer tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from api.oidc import CALLBACK, choice_of
from api.oidc_provider import Provider
from api.oidc_token import Head
from api.settings import Settings, load_settings
from governance import errors
from governance.record import accounts, identities
from governance.record.people import token_hash
from tests.api.conftest import Api, Start, problem_of
from tests.api.identity_provider import CLIENT, IdentityProvider
from tests.api.visitor import Visitor, words

BROKER = "service"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as made:
        yield made


@pytest.fixture
def api(start: Start, provider: IdentityProvider, service: tuple[Any, str]) -> Api:
    """A tenant whose reviewer signs in as `sub-reviewer`."""
    made = start(
        oidc_issuer=provider.issuer,
        oidc_name="Acme",
        oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr("its-secret"),
        oidc_redirect_url=service[1] + CALLBACK,
    )
    settings = made.app.state.system.settings.model_copy(update={"oidc_token": SecretStr(made.world.tokens[BROKER])})
    object.__setattr__(made.app.state.system, "settings", settings)
    made.world.enact("admin1", "identity_broker", BROKER, {"issuer": provider.issuer})
    made.world.enact("reviewer", "identity", "reviewer", {"issuer": provider.issuer, "subject": "sub-reviewer"})
    return made


def opened(api: Api) -> list[tuple[str, dict[str, Any]]]:
    with api.world.database.transaction("owner") as conn:
        return conn.execute(
            "SELECT entry::jsonb ->> 'actor', entry::jsonb -> 'body' FROM cs.ledger "
            "WHERE tenant = %s AND kind = 'session.opened' ORDER BY seq",
            (api.world.tenant,),
        ).fetchall()


# Bearer tokens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kid", ["r1", "e1"])
def test_a_token_is_its_person_in_one_session(api: Api, provider: IdentityProvider, kid: str) -> None:
    client = api.client(provider.token("sub-reviewer", kid))
    for _ in range(3):
        assert client.get("/v1/me").json()["id"] == "reviewer"
    ((actor, body),) = opened(api)
    assert (actor, body["broker"]) == ("reviewer", BROKER)
    assert set(body) == {"identity", "broker", "expires_at"}
    assert provider.asked.count("/keys") == 1
    row = api.world.filed()
    assert api.client(provider.token("sub-reviewer", kid, jti="2")).post(
        f"/v1/recommendations/{row['id']}/decisions", json={"decision": "approve", "digest": row["digest"]}
    ).json()["state"] == "approved"  # fmt: skip
    assert len(opened(api)) == 2


def test_a_token_reads_by_mcp_and_answers_in_an_inbox(api: Api, provider: IdentityProvider) -> None:
    row = api.world.filed()
    token = provider.token("sub-reviewer")
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_cases", "arguments": {}}}
    headers = {"Accept": "application/json, text/event-stream"}
    said = api.client(token).post("/mcp", json=asked, headers=headers)
    assert said.status_code == 200, said.text
    assert row["case_id"] in said.text
    expired = provider.token("sub-reviewer", exp=int(time.time()) - 120)
    problem_of(api.client(expired).post("/mcp", json=asked, headers=headers), 401, "unauthenticated")
    for headers in ({"Authorization": f"Bearer {token}"}, {"X-Api-Key": token}):
        found = api.client(None).post("/inbox/threads/search", json={}, headers=headers).json()
        assert [one["metadata"]["recommendation_id"] for one in found] == [row["id"]]
    problem_of(api.client(None).post("/inbox/threads/search", json={}, headers={"X-Api-Key": expired}), 401,
               "unauthenticated")  # fmt: skip


def test_a_session_ends_with_its_token(api: Api, provider: IdentityProvider) -> None:
    ends = int(time.time()) + 100
    assert api.client(provider.token("sub-reviewer", exp=ends)).get("/v1/me").status_code == 200
    found = api.world.scalar("SELECT max(expires_at) FROM cs.credentials WHERE tenant = %s", api.world.tenant)
    assert found == datetime.fromtimestamp(ends, UTC) + timedelta(seconds=60)


def _forged(provider: IdentityProvider) -> str:
    head, payload, signature = provider.token("sub-reviewer").split(".")
    other = provider.token("sub-admin").split(".")[1]
    assert other != payload
    return f"{head}.{other}.{signature}"


BAD: dict[str, tuple[Callable[[IdentityProvider], str], str, str]] = {
    "forged signature": (_forged, "unauthenticated", "signature"),
    "other issuer": (lambda p: p.token("sub-reviewer", iss="https://x.example"), "unauthenticated", "issuer"),
    "other audience": (lambda p: p.token("sub-reviewer", aud="x"), "unauthenticated", "audience"),
    "another's client": (lambda p: p.token("sub-reviewer", aud=[CLIENT, "x"], azp="x"), "unauthenticated", "party"),
    "expired": (lambda p: p.token("sub-reviewer", exp=int(time.time()) - 120), "unauthenticated", "expired"),
    "not yet valid": (lambda p: p.token("sub-reviewer", nbf=int(time.time()) + 120), "clock-skew", "clock"),
    "an hour ahead": (lambda p: p.token("sub-reviewer", iat=int(time.time()) + 3600), "clock-skew", "clock"),
    "unknown key": (lambda p: p.token("sub-reviewer", "r2"), "unauthenticated", "key"),
    "no algorithm": (lambda p: p.unsigned("sub-reviewer", kid="r1"), "unauthenticated", "algorithm"),
    "public key as secret": (lambda p: p.with_public_key_as_secret("sub-reviewer"), "unauthenticated", "algorithm"),
    "huge": (lambda p: p.token("sub-reviewer", filler="x" * 20_000), "unauthenticated", "larger"),
    "nonsense": (lambda p: "eyJ.é.x", "unauthenticated", "signed token"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_opens_no_session(api: Api, provider: IdentityProvider, name: str) -> None:
    make, slug, said = BAD[name]
    headers = [(b"authorization", b"Bearer " + make(provider).encode())]
    body = problem_of(api.client(None).get("/v1/me", headers=headers), 401, slug)
    assert said in body["detail"]
    assert opened(api) == []


def test_a_rotated_key_is_found_but_not_asked_for_at_every_turn(api: Api, provider: IdentityProvider) -> None:
    assert api.client(provider.token("sub-reviewer")).get("/v1/me").status_code == 200
    provider.published = ["r2"]
    tokens = [provider.token("sub-reviewer", "r2", jti=str(n)) for n in range(3)]
    for token in tokens:  # the keys were fetched a moment ago
        problem_of(api.client(token).get("/v1/me"), 401, "unauthenticated")
    assert provider.asked.count("/keys") == 1
    door = api.app.state.oidc[1]
    door._provider._known.tried -= 31
    assert api.client(tokens[0]).get("/v1/me").status_code == 200
    assert provider.asked.count("/keys") == 2
    # And the key that is gone is believed no more.
    problem_of(api.client(provider.token("sub-reviewer", jti="old")).get("/v1/me"), 401, "unauthenticated")


def test_an_account_that_is_linked_to_nobody_is_told_what_to_do(api: Api, provider: IdentityProvider) -> None:
    body = problem_of(api.client(provider.token("sub-stranger")).get("/v1/me"), 403, "not-permitted")
    assert "ask an administrator" in body["detail"]
    assert "sub-stranger" not in body["detail"]
    assert opened(api) == []


def test_who_is_switched_off_gets_no_session_and_loses_the_one_there_was(api: Api, provider: IdentityProvider) -> None:
    before = api.client(provider.token("sub-reviewer"))
    assert before.get("/v1/me").status_code == 200
    with api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        accounts.set_active(conn, "reviewer", False)
    problem_of(before.get("/v1/me"), 401, "unauthenticated")
    body = problem_of(api.client(provider.token("sub-reviewer", jti="2")).get("/v1/me"), 403, "not-permitted")
    assert "switched off" in body["detail"]


@pytest.mark.parametrize("mode", ["broken", "garbage", "list", "huge", "slow", "redirect", "down"])
def test_a_provider_that_fails_is_waited_for_briefly(api: Api, provider: IdentityProvider, mode: str) -> None:
    provider.mode = mode
    token = provider.token("sub-reviewer")
    if mode == "down":
        provider._server.server_close()
        provider._server.shutdown()
    began = time.monotonic()
    answer = api.client(token).get("/v1/me")
    problem_of(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert time.monotonic() - began < 9
    began = time.monotonic()
    problem_of(api.client(token).get("/v1/me"), 503, "unavailable")
    assert time.monotonic() - began < 1, "while the provider rests, nobody waits for it"
    assert api.of("reviewer").get("/v1/me").status_code == 200


def test_without_a_provider_a_token_is_nothing(start: Start, provider: IdentityProvider) -> None:
    plain = start()
    body = problem_of(plain.client(provider.token("sub-reviewer")).get("/v1/me"), 401, "unauthenticated")
    assert "no identity provider" in body["detail"]
    assert Visitor(plain).get("/console/sign-in/oidc").status_code == 404
    assert "Sign in with" not in words(Visitor(plain).get("/console/sign-in"))


# The console ------------------------------------------------------------------------------------------------------


def leave(visitor: Visitor, page: str = "/console/sign-in") -> str:
    """Follow the link to the provider; where the browser is sent."""
    asked = visitor.get(page)
    assert "Sign in with Acme" in words(asked)
    link = asked.text.split('href="/console/sign-in/oidc')[1].split('"')[0].replace("&amp;", "&")
    response = visitor.get("/console/sign-in/oidc" + link)
    assert response.status_code == 303
    return str(response.headers["location"])


def come_back(visitor: Visitor, answer: dict[str, str]) -> httpx.Response:
    return visitor.http.get(CALLBACK, params=answer, headers={"sec-fetch-site": "cross-site"})


def test_the_flow_ends_on_the_page_that_was_asked_for(api: Api, provider: IdentityProvider) -> None:
    visitor = Visitor(api)
    location = leave(visitor, "/console/queue?q=INV")
    back = come_back(visitor, provider.authorize(location, "sub-reviewer"))
    assert (back.status_code, back.headers["refresh"]) == (200, "0; url=/console/queue?q=INV")
    cookies = back.headers.get_list("set-cookie")
    session = next(one for one in cookies if one.startswith("countersign="))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert "countersign-way-back" not in visitor.http.cookies
    queue = visitor.get("/console/queue")
    assert queue.status_code == 200
    assert "Reviewer" in words(queue)
    assert [actor for actor, _ in opened(api)] == ["reviewer"]
    assert visitor.sign_out().status_code == 303
    assert visitor.get("/console/queue").status_code == 401


def test_what_goes_to_the_provider_holds_no_secret(api: Api) -> None:
    visitor = Visitor(api)
    location = leave(visitor)
    assert "its-secret" not in location
    kept = visitor.http.cookies["countersign-way-back"]
    query = parse_qs(urlsplit(location).query)
    assert set(query) == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
    }  # fmt: skip
    assert api.world.tokens[BROKER] not in kept


def test_state_and_code_work_once(api: Api, provider: IdentityProvider) -> None:
    visitor = Visitor(api)
    location = leave(visitor)
    kept = visitor.http.cookies["countersign-way-back"]
    answer = provider.authorize(location, "sub-reviewer")
    assert come_back(visitor, answer).status_code == 200
    again = come_back(visitor, answer)
    assert again.status_code == 401
    assert "did not begin this sign-in" in words(again)
    visitor.http.cookies["countersign-way-back"] = kept
    again = come_back(visitor, answer)
    assert again.status_code == 401
    assert "used before" in words(again)
    # A code that leaked does not go with another sign-in: its verifier is another.
    code = provider.authorize(leave(visitor), "sub-reviewer")["code"]
    other = Visitor(api)
    mine = provider.authorize(leave(other), "sub-reviewer")
    stolen = come_back(other, {**mine, "code": code})
    assert stolen.status_code == 401
    assert "does not accept this sign-in" in words(stolen)
    assert len(opened(api)) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "x"}, "another sign-in"),
        ({"state": "é"}, "another sign-in"),
        ({"iss": "https://elsewhere.example"}, "identity provider answered"),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "<script>"}, "(error)"),
        ({"code": ""}, "no code"),
        ({"code": "made-up"}, "does not accept"),
    ],
)
def test_an_answer_that_does_not_fit_signs_nobody_in(
    api: Api, provider: IdentityProvider, change: dict[str, str], said: str
) -> None:
    visitor = Visitor(api)
    response = come_back(visitor, {**provider.authorize(leave(visitor), "sub-reviewer"), **change})
    assert response.status_code == 401
    assert said in words(response)
    assert "<script" not in response.text
    assert visitor.get("/console/queue").status_code == 401
    assert opened(api) == []


def test_another_browser_s_sign_in_is_not_mine(api: Api, provider: IdentityProvider) -> None:
    """Somebody who lures me to the way back of their own sign-in does not sign me in as themselves."""
    theirs = provider.authorize(leave(Visitor(api)), "sub-reviewer")
    me = Visitor(api)
    assert come_back(me, theirs).status_code == 401
    leave(me)
    response = come_back(me, theirs)
    assert response.status_code == 401
    assert "another sign-in" in words(response)
    me.http.cookies["countersign-way-back"] = "e30.AAAA"
    assert come_back(me, theirs).status_code == 401
    twice = me.http.get(CALLBACK + "?state=a&state=b&code=c")
    assert twice.status_code == 401


@pytest.mark.parametrize(
    ("claims", "status", "said"),
    [
        ({"nonce": "another"}, 401, "another sign-in"),
        ({"nonce": ...}, 401, "another sign-in"),
        ({"aud": "other"}, 401, "another audience"),
        ({"exp": 1}, 401, "expired"),
        ({"iat": int(time.time()) + 7200}, 401, "clock"),
        ({"kid": "r2"}, 401, "key"),
    ],
)
def test_a_token_that_does_not_fit_signs_nobody_in(
    api: Api, provider: IdentityProvider, claims: dict[str, Any], status: int, said: str
) -> None:
    visitor = Visitor(api)
    response = come_back(visitor, provider.authorize(leave(visitor), "sub-reviewer", **claims))
    assert response.status_code == status
    assert said in words(response)
    assert opened(api) == []


def test_a_stranger_at_the_console_is_told_what_to_do(api: Api, provider: IdentityProvider) -> None:
    visitor = Visitor(api)
    response = come_back(visitor, provider.authorize(leave(visitor), "sub-stranger"))
    assert response.status_code == 403
    assert "ask an administrator" in words(response)


def test_a_provider_that_is_away_leaves_the_key_as_a_way_in(api: Api, provider: IdentityProvider) -> None:
    provider.mode = "broken"
    visitor = Visitor(api)
    assert visitor.get("/console/sign-in/oidc").status_code == 503
    assert visitor.sign_in("reviewer").status_code == 303


def test_a_sign_in_does_not_wait_for_ever(api: Api, provider: IdentityProvider) -> None:
    visitor = Visitor(api)
    answer = provider.authorize(leave(visitor), "sub-reviewer")
    door = api.app.state.oidc[1]
    door._now = lambda: datetime.now(UTC) + timedelta(minutes=11)
    response = come_back(visitor, answer)
    assert response.status_code == 401
    assert "too long" in words(response)


# The record -------------------------------------------------------------------------------------------------------


def session(api: Api, key: str, issuer: str, subject: str = "sub-reviewer", **more: Any) -> None:
    with api.world.database.transaction("review", key) as conn:
        token, minutes = more.pop("token", f"t-{time.monotonic_ns()}"), more.pop("minutes", 5)
        identities.open_session(conn, token, issuer, subject, minutes, **more)


def test_only_the_broker_of_that_issuer_opens_sessions(api: Api, provider: IdentityProvider) -> None:
    tokens = api.world.tokens
    for who, refusal in (
        ("intake", errors.NotPermitted), ("courier", errors.NotPermitted), ("admin1", errors.NotPermitted),
        ("reviewer", errors.NotPermitted), ("agent", errors.NotPermitted),
    ):  # fmt: skip
        with pytest.raises(refusal):
            session(api, tokens[who], provider.issuer)
    with pytest.raises(errors.Unauthenticated):
        session(api, "", provider.issuer)
    with pytest.raises(errors.NotPermitted, match="this issuer"):
        session(api, tokens[BROKER], "https://elsewhere.example")
    with pytest.raises(errors.Unauthenticated, match="expired"):
        session(api, tokens[BROKER], provider.issuer, not_after=datetime(2020, 1, 1, tzinfo=UTC))
    for minutes in (0, 1441):
        with pytest.raises(errors.Malformed):
            session(api, tokens[BROKER], provider.issuer, minutes=minutes)
    session(api, tokens[BROKER], provider.issuer, token=f"once-{api.world.tenant}")
    with pytest.raises(errors.Malformed):
        session(api, tokens[BROKER], provider.issuer, token=f"once-{api.world.tenant}")
    for role in ("intake", "agent", "courier", "audit"):
        with (
            pytest.raises(Exception, match="permission denied"),
            api.world.database.transaction(role, tokens[BROKER]) as conn,
        ):
            identities.open_session(conn, "x", provider.issuer, "sub-reviewer", 5)


@pytest.mark.parametrize("end", ["unlinked", "relinked", "broker ended", "broker off", "broker's key"])
def test_a_session_ends_with_what_it_came_from(api: Api, provider: IdentityProvider, end: str) -> None:
    world, live = api.world, f"live-{api.world.tenant}"
    session(api, world.tokens[BROKER], provider.issuer, token=live)
    assert api.client(live).get("/v1/me").status_code == 200
    with world.database.transaction("review", world.tokens["admin1"]) as conn:
        if end == "unlinked":
            identities.revoke(conn, provider.issuer, "sub-reviewer")
        elif end == "broker ended":
            identities.revoke_broker(conn, BROKER, provider.issuer)
        elif end == "broker off":
            accounts.set_active(conn, BROKER, False)
        elif end == "broker's key":
            key = conn.execute("SELECT id FROM cs.credentials WHERE actor = %s", (BROKER,)).fetchone()
            assert key is not None
            accounts.revoke_key(conn, key[0])
    if end == "relinked":
        world.enact("admin1", "identity", "reviewer", {"issuer": provider.issuer, "subject": "sub-new"})
    problem_of(api.client(live).get("/v1/me"), 401, "unauthenticated")
    with pytest.raises(errors.Refusal):
        session(api, world.tokens[BROKER], provider.issuer)
    assert api.of("reviewer").get("/v1/me").status_code == 200


def test_one_account_is_one_person(api: Api, provider: IdentityProvider) -> None:
    taken = {"issuer": provider.issuer, "subject": "sub-reviewer"}
    with pytest.raises(errors.Malformed, match="linked to somebody else"):
        api.world.propose("admin1", "identity", "reviewer2", taken)
    late = {"issuer": provider.issuer, "subject": "sub-both"}
    rows = [api.world.propose("admin1", "identity", who, late) for who in ("analyst", "analyst2")]
    for row in rows:
        for signer in ("controller", "admin2"):
            api.world.decide(signer, row, "approve")
    api.world.carry_out(rows[0])
    with pytest.raises(errors.IllegalState, match="linked to somebody else"):
        api.world.carry_out(rows[1])


def test_nobody_else_unlinks_and_nobody_links_without_signatures(api: Api, provider: IdentityProvider) -> None:
    for who in ("controller", "reviewer2", "analyst"):
        with (
            pytest.raises(errors.NotPermitted),
            api.world.database.transaction("review", api.world.tokens[who]) as conn,
        ):
            identities.revoke(conn, provider.issuer, "sub-reviewer")
    with pytest.raises(errors.NotFound), api.world.database.transaction("review", api.world.tokens["admin1"]) as conn:
        identities.revoke(conn, provider.issuer, "sub-nobody")
    row = api.world.propose("admin1", "identity", "controller", {"issuer": provider.issuer, "subject": "mine"})
    with pytest.raises(errors.SegregationOfDuties):
        api.world.decide("controller", row, "approve")  # whom it is about
    with pytest.raises(errors.NotPermitted):
        session(api, api.world.tokens[BROKER], provider.issuer, "mine")
    with api.world.database.transaction("review", api.world.tokens["reviewer"]) as conn:
        assert [one["actor"] for one in identities.linked(conn)] == ["reviewer"]
        identities.revoke(conn, provider.issuer, "sub-reviewer")
        assert identities.linked(conn) == []


def test_no_administrator_makes_themselves_a_second_key_of_the_broker(api: Api, provider: IdentityProvider) -> None:
    with (
        pytest.raises(errors.GovernedChange, match="sessions of others"),
        api.world.database.transaction("review", api.world.tokens["admin1"]) as conn,
    ):
        accounts.issue_key(conn, "mine", BROKER, "spare", None)


def test_two_tenants_do_not_share_accounts(api: Api, provider: IdentityProvider, start: Start) -> None:
    other = start()
    other.world.enact("admin1", "identity_broker", BROKER, {"issuer": provider.issuer})
    with pytest.raises(errors.NotPermitted, match="nobody here"):
        session(other, other.world.tokens[BROKER], provider.issuer)


# Settings and the provider's documents ------------------------------------------------------------------------------


WHOLE: dict[str, Any] = {
    "oidc_issuer": "https://id.example",
    "oidc_client_id": "c",
    "oidc_redirect_url": "https://review.example" + CALLBACK,
    "oidc_token": SecretStr("a key of the broker"),
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"oidc_client_id": None}, "OIDC_CLIENT_ID"),
        ({"oidc_token": None}, "OIDC_TOKEN"),
        ({"oidc_redirect_url": None}, "OIDC_REDIRECT_URL"),
        ({"oidc_redirect_url": "https://review.example/"}, "OIDC_REDIRECT_URL"),
        ({"oidc_redirect_url": "http://review.example" + CALLBACK}, "OIDC_REDIRECT_URL"),
        ({"oidc_issuer": "http://id.example"}, "OIDC_ISSUER"),
        ({"oidc_algorithms": "RS256,HS256"}, "OIDC_ALGORITHMS"),
        ({"oidc_algorithms": "none"}, "OIDC_ALGORITHMS"),
        ({"oidc_algorithms": ","}, "OIDC_ALGORITHMS"),
    ],
)
def test_half_a_provider_is_refused_at_the_start(change: dict[str, Any], said: str) -> None:
    assert choice_of(Settings(**WHOLE)) is not None
    assert choice_of(load_settings().model_copy(update={"oidc_issuer": None})) is None
    with pytest.raises(errors.Malformed, match=said):
        choice_of(Settings(**{**WHOLE, **change}))


def test_secrets_are_not_shown() -> None:
    choice = choice_of(Settings(**WHOLE, oidc_client_secret=SecretStr("hush")))
    assert "broker" not in repr(choice)
    assert "hush" not in repr(choice)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://another.example"},
        {"jwks_uri": "http://elsewhere.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 5},
        {"token_endpoint": "https://user:word@id.example/token"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_that_points_elsewhere_unencrypted_is_not_used(
    provider: IdentityProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    made = Provider(provider.issuer, CLIENT, None)
    with pytest.raises(errors.Unavailable):
        made.metadata()
    made.close()


def test_keys_are_fetched_again_after_a_while_and_not_believed_when_that_fails(provider: IdentityProvider) -> None:
    clock = [1000.0]
    made = Provider(provider.issuer, CLIENT, None, clock=lambda: clock[0])
    head = Head("RS256", "r1")
    assert made.key(head).kid == "r1"
    clock[0] += 599
    made.key(head)
    assert provider.asked.count("/keys") == 1
    clock[0] += 2
    made.key(head)
    assert provider.asked.count("/keys") == 2
    clock[0] += 601
    provider.mode = "broken"
    with pytest.raises(errors.Unavailable):
        made.key(head)
    provider.mode, provider.published = "good", ["e1"]
    clock[0] += 6
    with pytest.raises(errors.Unauthenticated):
        made.key(head)
    made.close()


def test_the_token_is_kept_by_its_hash(api: Api, provider: IdentityProvider) -> None:
    token = provider.token("sub-reviewer")
    assert api.client(token).get("/v1/me").status_code == 200
    made = api.app.state.oidc[1]._bearers
    assert token not in made
    assert api.world.scalar(
        "SELECT sha256 FROM cs.credentials WHERE identity IS NOT NULL AND tenant = %s", api.world.tenant
    ) == token_hash(next(iter(made.values()))[0])
