"""Tokens that stand for something else: digests and idempotency keys."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance import errors
from governance.record import answers
from tests.build import World, world
from tests.governance.bypass.attempts import (
    DRAFT,
    Attempt,
    Blank,
    Ground,
    Reason,
    Register,
    Try,
    name_of,
    payment,
    say,
)

tries = Register()

DIGESTS: dict[str, Callable[[str], str | None]] = {
    "none": lambda digest: None,
    "empty": lambda digest: "",
    "in capitals": str.upper,
    "its hex in capitals": lambda digest: "sha256:" + digest[7:].upper(),
    "without its name": lambda digest: digest[7:],
    "cut short": lambda digest: digest[:-1],
    "its first eight": lambda digest: digest[:15],
    "longer": lambda digest: digest + "0",
    "and a space": lambda digest: digest + " ",
    "and a line end": lambda digest: digest + "\n",
    "of another hash": lambda digest: digest.replace("sha256", "sha512"),
    "zeros": lambda digest: "sha256:" + "0" * 64,
    "a wildcard": lambda digest: "sha256:%",
    "full width": lambda digest: "".join(chr(ord(one) + 0xFEE0) for one in digest),
    "with zero width": lambda digest: digest[:10] + "\u200b" + digest[10:],
}


@tries.each({name: (errors.StaleDigest, forge) for name, forge in DIGESTS.items()})
def approval_of_a_digest(acme: World, forge: Callable[[str], str | None]) -> Try:
    row = acme.filed()
    return lambda: acme.decide("reviewer", row, "approve", digest=forge(row["digest"]))


@tries.each({verb: (errors.StaleDigest, verb) for verb in ("reject", "send_back", "override", "withdraw", "escalate")})
def decision_without_reading(acme: World, verb: str) -> Try:
    row = acme.filed()
    return lambda: acme.decide("reviewer", row, verb, digest="sha256:" + "0" * 64, comment="x", draft=DRAFT)


@tries(errors.StaleDigest)
def digest_of_another_recommendation(acme: World) -> Try:
    one, two = acme.filed(source_key="a"), acme.filed(source_key="b", invoice_id="INV-2")
    return lambda: acme.decide("reviewer", one, "approve", digest=two["digest"])


@tries(errors.StaleDigest)
def digest_of_an_older_draft(acme: World) -> Try:
    row = acme.filed()
    made = acme.decide("reviewer2", row, "override", draft=DRAFT)
    newer = acme.recommendation(made["recommendation_id"])
    return lambda: acme.decide("reviewer", newer, "approve", digest=row["digest"])


@tries(errors.IllegalState)
def older_draft_itself(acme: World) -> Try:
    row = acme.filed()
    acme.decide("reviewer2", row, "override", draft=DRAFT)
    return lambda: acme.decide("reviewer", row, "approve")


@tries(errors.StaleDigest)
def digest_of_the_facts(acme: World) -> Try:
    row = acme.filed()
    facts = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE tenant = %s", acme.tenant)
    return lambda: acme.decide("reviewer", row, "approve", digest=facts)


@tries(errors.StaleDigest)
def digest_of_the_same_letter_in_another_tenant(acme: World) -> Try:
    theirs = world(acme.database, acme.tenant + "x").filed()
    row = acme.filed()
    return lambda: acme.decide("reviewer", row, "approve", digest=theirs["digest"])


@tries.each({name: (errors.NotFound, forge) for name, forge in {
    "in capitals": str.upper, "with a space": lambda one: one + " ", "cut short": lambda one: one[:-1], "empty": lambda one: "",
    "a wildcard": lambda one: "%", "a list": lambda one: f"{{{one}}}",
}.items()})  # fmt: skip
def recommendation_called(acme: World, forge: Callable[[str], str]) -> Try:
    row = acme.filed()
    return lambda: acme.decide("reviewer", {**row, "id": forge(row["id"])}, "approve")


SIGNATURES: dict[str, str | None] = {
    "none": None, "empty": "", "words": "signed", "no key": f"ed25519:{'A' * 86}==", "an unknown key": f"ed25519:{'0' * 16}:{'A' * 86}==",
    "another algorithm": f"rsa:{'0' * 16}:{'A' * 86}==", "a short one": f"ed25519:{'0' * 16}:{'A' * 85}==",
}  # fmt: skip


@tries.each({name: (errors.SignatureRequired, text) for name, text in SIGNATURES.items()})
def million_signed_with(acme: World, text: str | None) -> Try:
    row = payment(acme, "1000000.00")
    acme.opened("reviewer", row)
    return lambda: acme.decide("reviewer", row, "approve", signature=text)


@tries(errors.SignatureRequired)
def million_signed_with_another_s_key(acme: World) -> Try:
    row = million_with_a_key(acme, "reviewer2")
    return lambda: acme.decide("reviewer", row, "approve", signature=f"ed25519:{'b' * 16}:{'A' * 86}==")


@tries(errors.SignatureRequired)
def million_signed_with_a_revoked_key(acme: World) -> Try:
    row = million_with_a_key(acme, "reviewer")
    acme.scalar("UPDATE cs.signing_keys SET revoked_at = now() WHERE tenant = %s RETURNING 1", acme.tenant)
    return lambda: acme.decide("reviewer", row, "approve", signature=f"ed25519:{'b' * 16}:{'A' * 86}==")


def million_with_a_key(acme: World, whose: str) -> dict[str, Any]:
    row = payment(acme, "1000000.00")
    acme.opened("reviewer", row)
    acme.scalar(
        "INSERT INTO cs.signing_keys (tenant, id, actor, public_key) VALUES (%s, repeat('b', 16), %s, repeat('A', 43) || '=') "
        "RETURNING 1", acme.tenant, whose)  # fmt: skip
    return dict(row)


# Idempotency --------------------------------------------------------------------------------------------------------


def remembered(acme: World, by: str = "reviewer", role: str = "review") -> None:
    with acme.database.transaction(role, acme.tokens[by]) as conn:
        answers.remember(conn, "key", "a" * 64, answers.Answer(200, "{}"))


def asked(acme: World, request: str, by: str = "reviewer", role: str = "review", key: str = "key") -> Try:
    def ask() -> Any:
        with acme.database.transaction(role, acme.tokens[by]) as conn:
            return answers.known(conn, key, request)

    return ask


@tries.each({name: (errors.IdempotencyConflict, request) for name, request in {
    "another body": "b" * 64, "the same in capitals": "A" * 64, "no body": "", "a longer one": "a" * 65,
}.items()})  # fmt: skip
def idempotency_key_with(acme: World, request: str) -> Try:
    remembered(acme)
    return asked(acme, request)


@tries.each({name: (Blank(None), who, role, key) for name, (who, role, key) in {
    "another person": ("reviewer2", "review", "key"), "a service": ("service", "intake", "key"),
    "the same person under another key": ("reviewer", "review", "KEY"),
}.items()})  # fmt: skip
def answer_of_one_shown_to(acme: World, who: str, role: str, key: str) -> Try:
    remembered(acme)
    return asked(acme, "a" * 64, who, role, key)


@tries(Blank(None))
def answer_of_one_shown_to_another_tenant(acme: World) -> Try:
    remembered(acme)
    return asked(world(acme.database, acme.tenant + "x"), "a" * 64)


@tries(Blank([(200, "{}")]))
def answer_that_is_replaced(acme: World) -> Try:
    remembered(acme)

    def again() -> Any:
        with acme.database.transaction("review", acme.tokens["reviewer"]) as conn:
            answers.remember(conn, "key", "a" * 64, answers.Answer(500, "no"))
        return say(acme, "owner", None, ("SELECT status, body FROM cs.idempotency WHERE tenant = %s", (acme.tenant,)))

    return again


@tries.each({role: (Reason("42501", "function idempotent"), role) for role in ("agent", "courier", "audit")})
def answers_asked_for_by_the_role(acme: World, role: str) -> Try:
    remembered(acme)
    return asked(acme, "a" * 64, "admin1", role)


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())
