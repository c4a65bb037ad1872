"""The few ways to say no.

Each class has one HTTP status, one stable problem type and one SQLSTATE. The database's functions raise
the same SQLSTATEs (class CS), so a refusal reads the same whether Python or Postgres spoke first.
The class docstring is the default message. `controls` are ids of docs/governance.md; `cs._controls` maps the same
SQLSTATEs to the same ids.
"""

from __future__ import annotations

PROBLEM_BASE = "https://countersign.dev/problems/"


class Refusal(Exception):
    """The request was refused."""

    status = 400
    slug = "refused"
    sqlstate = "CS400"
    controls: tuple[str, ...] = ()
    """Which controls speak where it is raised; empty where it is none of them, or not always the same."""

    def __init__(self, detail: str | None = None, **extensions: object) -> None:
        self.detail = detail or (self.__doc__ or "").strip().splitlines()[0]
        named: dict[str, object] = {"controls": list(self.controls)} if self.controls else {}
        self.extensions = {**named, **extensions}
        super().__init__(self.detail)

    @property
    def type(self) -> str:
        """The stable problem type of RFC 9457."""
        return PROBLEM_BASE + self.slug


class Malformed(Refusal):
    """The request is malformed."""

    status, slug, sqlstate = 400, "malformed", "CS400"


class Unauthenticated(Refusal):
    """Sign in first: no valid API key or session was given."""

    status, slug, sqlstate = 401, "unauthenticated", "CS401"


class ClockSkew(Unauthenticated):
    """The token was issued in the future: set the clock of this machine, or of the identity provider."""

    status, slug, sqlstate = 401, "clock-skew", "CS457"


class NotPermitted(Refusal):
    """Your roles do not permit this."""

    status, slug, sqlstate = 403, "not-permitted", "CS403"


class SegregationOfDuties(Refusal):
    """Who initiated, drafted, edited or requested a thing cannot approve it."""

    status, slug, sqlstate = 403, "segregation-of-duties", "CS410"
    controls = ("SOD-10",)


class NoSeat(Refusal):
    """No open seat of this recommendation fits your roles."""

    status, slug, sqlstate = 403, "no-open-seat", "CS411"
    controls = ("SEAT-01",)


class HumanRequired(Refusal):
    """Only a person decides: services and agents never do."""

    status, slug, sqlstate = 403, "human-required", "CS412"
    controls = ("SOD-00",)


class NotDelegated(Refusal):
    """There is no delegation that permits this."""

    status, slug, sqlstate = 403, "not-delegated", "CS414"
    controls = ("SEAT-07",)


class NotFound(Refusal):
    """There is no such thing, or it is not yours to see."""

    status, slug, sqlstate = 404, "not-found", "CS404"


class StaleDigest(Refusal):
    """The digest is not that of the recommendation as it stands: read it again before you decide."""

    status, slug, sqlstate = 409, "stale-digest", "CS420"
    controls = ("GATE-03",)


class IllegalState(Refusal):
    """The thing is not in a state that allows this."""

    status, slug, sqlstate = 409, "illegal-state", "CS421"


class Expired(Refusal):
    """The recommendation has expired: a new one will be proposed."""

    status, slug, sqlstate = 409, "expired", "CS422"
    controls = ("GATE-06",)


class AlreadyDecided(Refusal):
    """You have already decided on this recommendation."""

    status, slug, sqlstate = 409, "already-decided", "CS423"
    controls = ("SOD-11",)


class IdempotencyConflict(Refusal):
    """This Idempotency-Key was used with another request body."""

    status, slug, sqlstate = 409, "idempotency-conflict", "CS424"


class LostLease(Refusal):
    """The lease was lost: somebody else works on this now, and the late write is refused."""

    status, slug, sqlstate = 409, "lost-lease", "CS425"


class PolicyChanged(Refusal):
    """The policy changed since this was proposed: it must be proposed again."""

    status, slug, sqlstate = 409, "policy-changed", "CS426"
    controls = ("GATE-05",)


class PayeeChanged(Refusal):
    """The payee's bank details changed since this was proposed: it must be proposed again."""

    status, slug, sqlstate = 409, "payee-changed", "CS427"
    controls = ("GATE-05",)


class FactsMismatch(Refusal):
    """The facts in the proposal are not those of the case and the books."""

    status, slug, sqlstate = 409, "facts-mismatch", "CS428"
    controls = ("GATE-04",)


class EvidenceNotOpened(Refusal):
    """Policy demands that you open the evidence before you approve."""

    status, slug, sqlstate = 409, "evidence-not-opened", "CS435"
    controls = ("SEAT-04",)


class SignatureRequired(Refusal):
    """Policy demands a signature over the digest by a key of your own."""

    status, slug, sqlstate = 403, "signature-required", "CS436"
    controls = ("SEAT-06",)


class NotInBulk(Refusal):
    """Policy wants this one looked at by itself: decide on it alone."""

    status, slug, sqlstate = 409, "not-in-bulk", "CS437"
    controls = ("SEAT-05",)


class LegalHold(Refusal):
    """A legal hold keeps this from being erased or purged."""

    status, slug, sqlstate = 409, "legal-hold", "CS438"
    controls = ("PRIV-02",)


class GovernedChange(Refusal):
    """This takes effect through the gate alone: propose the change, and others sign it."""

    status, slug, sqlstate = 403, "governed-change", "CS439"
    controls = ("CHG-01",)


class TooLarge(Refusal):
    """The document is larger than the limit."""

    status, slug, sqlstate = 413, "too-large", "CS413"


class Unreadable(Refusal):
    """The document cannot be read."""

    status, slug, sqlstate = 422, "unreadable", "CS430"


class PolicyInvalid(Refusal):
    """The policy is not valid."""

    status, slug, sqlstate = 422, "policy-invalid", "CS431"


class UnknownAction(Refusal):
    """The action is not in the catalogue, or its arguments are not of its type."""

    status, slug, sqlstate = 422, "unknown-action", "CS432"


class CommentRequired(Refusal):
    """This decision needs a comment."""

    status, slug, sqlstate = 422, "comment-required", "CS433"


class AlreadyEstablished(Refusal):
    """A policy is active already: genesis happens once."""

    status, slug, sqlstate = 409, "already-established", "CS434"
    controls = ("CHG-04",)


class AmountInvalid(Malformed):
    """An amount is a finite decimal in plain digits, such as 1234.50."""

    status, slug, sqlstate = 422, "amount-invalid", "CS450"


class AmountTooFine(Malformed):
    """The amount has more decimals than its currency: round it where it comes from."""

    status, slug, sqlstate = 422, "amount-too-fine", "CS451"


class AmountTooLarge(Malformed):
    """An amount is below 10**15."""

    status, slug, sqlstate = 422, "amount-too-large", "CS452"


class CurrencyUnknown(Malformed):
    """A currency is a code of ISO 4217 in capital letters, such as EUR."""

    status, slug, sqlstate = 422, "currency-unknown", "CS453"


class TextInvalid(Malformed):
    """The text has characters that cannot be stored, cannot be seen or pass for others: write it without them."""

    status, slug, sqlstate = 422, "text-invalid", "CS454"


class NotPayable(Refusal):
    """Nothing is paid of an amount of zero or less."""

    status, slug, sqlstate = 422, "not-payable", "CS455"


class OldView(Refusal):
    """Use a transaction at READ COMMITTED: an older view of the record would hide what has changed."""

    status, slug, sqlstate = 409, "old-view", "CS456"


class Tampered(Refusal):
    """The record does not verify."""

    status, slug, sqlstate = 500, "tampered", "CS440"


class Unavailable(Refusal):
    """A part that this needs is not available now: try again later."""

    status, slug, sqlstate = 503, "unavailable", "CS503"


def _all(cls: type[Refusal]) -> list[type[Refusal]]:
    return [cls, *(deep for sub in cls.__subclasses__() for deep in _all(sub))]


BY_SQLSTATE: dict[str, type[Refusal]] = {cls.sqlstate: cls for cls in _all(Refusal)}
