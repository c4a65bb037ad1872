"""The first start of an installation: secrets, schema, and the tenant with its first people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api import keyring
from api.keyring import SERVICES
from api.settings import PREFIX, Settings, load_settings
from api.wiring import given
from governance.errors import AlreadyEstablished, Malformed, Unavailable
from governance.matrix import Policy
from governance.policy import standard_policy
from governance.record import people
from governance.record.db import LOGIN_ROLES, Database, migrate


def first_start(
    home: Path,
    superuser_url: str,
    tenant: str,
    persons: Sequence[Mapping[str, Any]],
    *,
    settings: Settings | None = None,
    policy: Policy | None = None,
) -> dict[str, str]:
    """Make HOME's secrets, bring the database to this program's schema and found the tenant. Safe to repeat.

    `persons`: {"id", "name", "roles", optional "kind" (person), "email", "key"}, two administrators at least; a missing
    key is made. Returns person → API key of those founded now; nothing where the tenant had a policy already.
    Raises Unavailable where HOME's service tokens are not those of the database.
    """
    settings = settings or load_settings(home)
    given_roles = given(settings, LOGIN_ROLES, "password")
    given_tokens = given(settings, SERVICES, "token")
    known = keyring.read_keyring(home)
    if known is not None and known.tenant != tenant:
        raise Malformed(f"{home} belongs to tenant {known.tenant}: choose another --home for {tenant}")
    migrate(superuser_url, roles={**(known.roles if known else {}), **given_roles})
    with Database({"owner": superuser_url}, max_size=1) as database:
        with database.transaction("owner") as conn:
            founded = people.established(conn, tenant)
        if founded:
            _check_services(database, tenant, {**(known.tokens if known else {}), **given_tokens})
            return {}
        known = keyring.make_keyring(home, tenant, given_roles, given_tokens)
        keyring.make_ledger_key(home)
        migrate(superuser_url, roles={**known.roles, **given_roles})
        return _found(database, tenant, persons, {**known.tokens, **given_tokens}, policy or standard_policy())


def _check_services(database: Database, tenant: str, tokens: Mapping[str, str]) -> None:
    with database.transaction("owner") as conn:
        for name in people.unknown_tokens(conn, tenant, tokens):
            raise Unavailable(
                f"the token of {name} is not known to tenant {tenant}: restore {keyring.SECRETS} of the HOME that "
                f"founded it, or set {PREFIX}{name.upper()}_TOKEN"
            )


def _found(
    database: Database, tenant: str, persons: Sequence[Mapping[str, Any]], tokens: Mapping[str, str], policy: Policy
) -> dict[str, str]:
    keys = {str(person["id"]): str(person.get("key") or keyring.new_token()) for person in persons}
    actors = [
        {
            "id": person["id"],
            "kind": person.get("kind", "person"),
            "name": person["name"],
            "email": person.get("email"),
            "roles": list(person["roles"]),
            "token_sha256": people.token_hash(keys[str(person["id"])]),
        }
        for person in persons
    ]
    actors += [
        {
            "id": name,
            "kind": "agent" if name == "agent" else "service",
            "name": f"Countersign {name}",
            "roles": [] if name == "agent" else ["service"],
            "token_sha256": people.token_hash(tokens[name]),
        }
        for name in SERVICES
    ]
    try:
        with database.transaction("owner") as conn:
            people.genesis(conn, tenant, tenant.title(), "EU", actors, policy)
    except AlreadyEstablished:
        # Another process was first, with the same secrets or none of ours.
        _check_services(database, tenant, tokens)
        return {}
    return keys


def recover(owner_url: str, tenant: str, persons: Sequence[Mapping[str, Any]], why: str) -> dict[str, str]:
    """Lock-out: the database's owner gives `persons` (as for first_start, one role each) their role and a new key.

    Keys that they had are revoked; the ledger says who and why. Returns person → API key. Raises Malformed, NotFound.
    """
    keys = {str(person["id"]): keyring.new_token() for person in persons}
    with Database({"owner": owner_url}, max_size=1) as database, database.transaction("owner") as conn:
        people.recover(conn, tenant, persons, {who: people.token_hash(key) for who, key in keys.items()}, why)
    return keys
