"""countersign key: API keys, and the key with which a person signs.

One's own by oneself; a machine's, and a person's first one, by an administrator.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "make, list and revoke API keys; make a signing key"
COLUMNS = ("id", "actor", "kind", "label", "scopes", "created_at", "expires_at", "revoked_at")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="new|list|revoke|signing|unlink")
    new = verbs.add_parser("new", help="a new key, shown once")
    new.add_argument("--for", dest="actor", metavar="ID", help="whose key (default: yours)")
    new.add_argument("--label", default="", metavar="TEXT", help="what it is for")
    new.add_argument("--days", type=int, metavar="N", help="it ends after so many days (default: never)")
    new.add_argument(
        "--scope",
        action="append",
        choices=("read", "decide", "submit"),
        help="only that, several times for several; decide brings read (default: all that its owner may)",
    )
    verbs.add_parser("list", help="all keys, without their secrets")
    revoke = verbs.add_parser("revoke", help="end a key")
    revoke.add_argument("id", metavar="ID", help="the key's id, as `key list` shows it")
    signing = verbs.add_parser("signing", help="the key with which you sign what you approve")
    signing.add_argument("what", choices=("new", "revoke"), help="new: into --out FILE, and proposed; revoke: at once")
    signing.add_argument("id", nargs="?", metavar="ID", help="of the key that is revoked")
    signing.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="with the key's passphrase (default: asked for)"
    )
    unlink = verbs.add_parser("unlink", help="an account at an identity provider signs nobody in any more")
    unlink.add_argument("issuer", metavar="ISSUER")
    unlink.add_argument("subject", metavar="SUBJECT")


def run(args: argparse.Namespace) -> int:
    from api.acting import person_key, reader_key
    from api.wiring import connect

    with connect(args.home) as system:
        key = reader_key(args, system) if args.verb == "list" else person_key(args)
        with system.database.transaction("review", key) as conn:
            return {"new": _new, "list": _list, "revoke": _revoke, "signing": _signing, "unlink": _unlink}[args.verb](
                args, conn
            )


def _new(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.listing import say
    from api.commands.output import emit
    from api.keyring import new_token
    from governance.errors import Malformed
    from governance.record import accounts, people

    if args.days is not None and not 0 < args.days <= 3660:
        raise Malformed("--days must be between 1 and 3660")
    key = new_token()
    actor = args.actor or people.whoami(conn).id
    expires = None if args.days is None else datetime.now(UTC) + timedelta(days=args.days)
    made = accounts.issue_key(conn, key, actor, args.label, expires, args.scope)
    row = {"id": made, "actor": actor, "scopes": args.scope, "expires_at": expires, "key": key}
    emit(args, ("id", "actor", "scopes", "expires_at", "key"), [row])
    say("the key is shown this once: keep it where only its owner reads")
    return 0


def _list(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit, moment
    from governance import permit
    from governance.record import people

    permit.may_read(people.whoami(conn))
    rows = people.keys(conn)
    if not args.json:
        times = ("created_at", "expires_at", "revoked_at")
        rows = [{**row, **{name: moment(row[name]) for name in times}} for row in rows]
    emit(args, COLUMNS, rows)
    return 0


def _revoke(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit
    from governance.record import accounts

    accounts.revoke_key(conn, args.id)
    emit(args, ("id", "revoked"), [{"id": args.id, "revoked": True}])
    return 0


def _signing(args: argparse.Namespace, conn: Connection) -> int:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from api.commands.asking import passphrase
    from api.commands.listing import say
    from api.commands.output import emit
    from api.signing import encrypted, write_key
    from governance.chain import public_key_text
    from governance.errors import Malformed
    from governance.record import changes, people
    from governance.signature import key_id

    if args.what == "revoke":
        if args.id is None:
            raise Malformed("say which key: countersign key signing revoke ID")
        changes.revoke_signing_key(conn, args.id)
        emit(args, ("id", "revoked"), [{"id": args.id, "revoked": True}])
        return 0
    if args.out is None or args.id is not None:
        raise Malformed("say where the key goes: countersign key signing new --out FILE")
    key = Ed25519PrivateKey.generate()
    pem = encrypted(key, passphrase(args.passphrase_file, twice=True))
    public = public_key_text(key.public_key())
    me = people.whoami(conn).id
    made = changes.propose(conn, "signing_key", me, {"public_key": public}, "a key with which I sign")
    # Last, in the transaction of the proposal: no key without it, and it without no key.
    write_key(args.out, pem)
    path, args.out = args.out, None
    row = {"id": key_id(public), "file": str(path), "recommendation_id": made["recommendation_id"]}
    emit(args, ("id", "file", "recommendation_id"), [row])
    say(f"{path} is yours alone: keep it off the servers. It counts once others have signed the recommendation")
    return 0


def _unlink(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit
    from governance.record import identities

    identities.revoke(conn, args.issuer, args.subject)
    emit(args, ("issuer", "subject", "linked"), [{"issuer": args.issuer, "subject": args.subject, "linked": False}])
    return 0
