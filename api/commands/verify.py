"""countersign verify: the ledger in the database, or an exported case."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from api.wiring import System
    from governance.record.db import Connection

HELP = "check the ledger in the database, or with FILE an exported case; exit code 3 where something was tampered with"

_TAMPERED = 3
_LIMIT = "Not proven: that what was first written was true; the state of cases and the books, which no digest covers."
_BUNDLE_LIMIT = "Not proven: what came after the checkpoint; that what was first written was true."
_UNSEALED = "Not proven: that no entry about this case was left out of the file; it carries no seal."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an exported case, checked without database")
    parser.add_argument(
        "--public-key", metavar="K", help="the key of the checkpoints, as file or base64 (HOME/ledger.pub)"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a checkpoint kept elsewhere (the newest that HOME keeps)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0 sound, 3 tampered, 2 where file or key is missing, 1 where a file has entries that nobody signed."""
    key = _public_key(args.public_key, args.home)
    if args.file is not None:
        return _file(args, key)
    return _database(args, key)


def _public_key(given: str | None, home: Path) -> Ed25519PublicKey | None:
    from api import keyring
    from governance.chain import read_public_key
    from governance.errors import Malformed

    if given is None:
        text = keyring.public_key(home)
        return None if text is None else read_public_key(text)
    path = Path(given).expanduser()
    try:
        return read_public_key(path.read_text() if path.is_file() else given)
    except (Malformed, OSError, UnicodeError) as error:
        raise Malformed(f"--public-key must be a file, or 32 bytes in base64: {given[:60]} is neither") from error


def _file(args: argparse.Namespace, key: Ed25519PublicKey | None) -> int:
    from api.evidence_check import check_bundle, extends, places
    from governance.errors import Malformed, Tampered

    if key is None:
        raise Malformed("give --public-key: there is no ledger.pub in HOME")
    content = args.file.read_bytes()
    try:
        text = content.decode("utf-8")
        report = check_bundle(text, key, unsigned=True)
        follows = None if args.checkpoint is None else extends(text, args.checkpoint.read_text("utf-8"), key)
    except (Tampered, UnicodeDecodeError) as error:
        reason = error.detail if isinstance(error, Tampered) else "this is not an evidence bundle: not UTF-8"
        line = {"file": str(args.file), "sound": False, "reason": reason}
        _write(args, json.dumps(line) if args.json else f"{args.file}: TAMPERED: {reason}")
        return _TAMPERED
    line = {
        "file": str(args.file), "sound": True, "tenant": report.tenant, "case": report.case, "entries": report.entries,
        "signed": report.checkpoint_size, "recommendations": dict(report.outcomes), "erased": list(report.erased),
        "documents": report.documents, "signatures": report.signatures, "sealed": report.sealed,
        "grew_from": report.grew_from, "follows_checkpoint": follows, "unproven": list(report.unproven),
    }  # fmt: skip
    if report.unsigned:
        return _unsigned(args, {**line, "sound": False, "unsigned": list(report.unsigned)}, places(report.unsigned))
    words = [f"{args.file}: sound: case {report.case}, {report.entries} of the {report.checkpoint_size} entries signed"]
    words += [f"  recommendation {name}: {outcome}" for name, outcome in report.outcomes.items()]
    words += [f"  erased: {part}" for part in report.erased]
    limits = [*([] if report.sealed else [_UNSEALED]), *(f"Not proven: {one}." for one in report.unproven)]
    if args.checkpoint is not None and not follows:
        limits.append("Not proven: that this ledger grew from the given checkpoint; export the case with --since FILE.")
    _write(args, json.dumps(line) if args.json else "\n".join(words), *limits, _BUNDLE_LIMIT)
    return 0


def _unsigned(args: argparse.Namespace, line: Mapping[str, Any], late: str) -> int:
    """Nothing is wrong, and not all is proven: neither sound nor tampered."""
    reason = f"{late} came after the checkpoint, which signs the first {line['signed']}: nobody has signed them yet"
    todo = "What the file says rests on them too. Get the evidence again after the next checkpoint (within a minute)."
    _write(
        args, json.dumps({**line, "reason": reason}) if args.json else f"{args.file}: NOT PROVEN YET: {reason}", todo
    )
    return 1


def _write(args: argparse.Namespace, text: str, *limits: str) -> None:
    """The result on stdout or in --out; what it does not prove on stderr."""
    if args.out is not None:
        args.out.write_text(text + "\n", "utf-8")
    elif text:
        sys.stdout.write(text + "\n")
    for limit in limits:
        sys.stderr.write(limit + "\n")


def _database(args: argparse.Namespace, key: Ed25519PublicKey | None) -> int:
    from api.wiring import connect
    from governance.record import ledger

    with connect(args.home) as system:
        kept = _kept(args.checkpoint, args.home)
        with auditing(system, args) as conn:
            # A tenant of whom a checkpoint was kept and nothing else is left has lost its whole ledger.
            found = ledger.tenants(conn)
            found += sorted(set(kept) - set(found)) if _owner_url(system) else []
            lines = [_tenant(conn, tenant, key, kept.get(tenant)) for tenant in found]
    words = "\n".join(_in_words(line) for line in lines) or "there is no tenant yet"
    limits = [limit for line in lines for limit in line.pop("limits")]
    if args.json:
        _write(args, "\n".join(json.dumps(line) for line in lines), *limits, _LIMIT)
    else:
        _write(args, words, *limits, _LIMIT)
    return 0 if all(line["sound"] for line in lines) else _TAMPERED


def _owner_url(system: System) -> bool:
    from governance.errors import Malformed

    try:
        return bool(system.database.url("owner"))
    except Malformed:
        return False


@contextlib.contextmanager
def auditing(system: System, args: argparse.Namespace) -> Iterator[Connection]:
    """A connection that reads the whole record: of every tenant as the owner, where this machine may be that; else of
    one tenant, as the person whose key was given or as this HOME's reader."""
    from api.acting import reader_key
    from governance.record import ledger

    if _owner_url(system):
        with system.database.transaction("owner") as conn:
            ledger.as_owner(conn)
            yield conn
        return
    key = reader_key(argparse.Namespace(home=args.home, key_file=getattr(args, "key_file", None)), system)
    with system.database.transaction("audit", key) as conn:
        yield conn


def _kept(given: Path | None, home: Path) -> dict[str, str]:
    """Tenant → text of a checkpoint that was kept outside the database."""
    from api.checkpoints import KeptCheckpoints
    from governance.chain import origin
    from governance.errors import Malformed

    if given is None:
        store = KeptCheckpoints(home)
        return {tenant: note for tenant in store.tenants() if (note := store.newest(tenant))}
    note = given.read_text("utf-8")
    name, prefix = note.split("\n", 1)[0], origin("")
    if not name.startswith(prefix):
        raise Malformed(f"{given} is not a checkpoint of a ledger")
    return {name.removeprefix(prefix): note}


def _tenant(conn: Connection, tenant: str, key: Ed25519PublicKey | None, outside: str | None) -> dict[str, Any]:
    from api.checkpoints import said_size
    from governance.errors import Malformed
    from governance.record import agreement, ledger

    stored = ledger.newest_checkpoint(conn, tenant)
    if key is None and (stored or outside):
        raise Malformed("give --public-key: there is no ledger.pub in HOME, and the checkpoints need it")
    started = time.monotonic()
    count, found = ledger.verify(conn, tenant, key, outside)
    seconds = time.monotonic() - started
    reasons = [found.reason] if found else agreement.disagreements(conn, tenant)
    kept = said_size(outside, tenant) if outside else None
    signed = max(stored[0] if stored else 0, kept or 0)
    limits = [f"{tenant}: the last {count - signed} entries follow the last checkpoint: chained, not yet signed."]
    if kept is None:
        limits.append(f"{tenant}: no checkpoint kept outside the database was given: a cut of the tail would not show.")
    return {
        "tenant": tenant, "sound": not reasons, "entries": count,
        "entries_per_second": round(count / max(seconds, 1e-6)),
        "signed": signed, "kept_outside": kept, "first_bad": found.seq if found else None, "reasons": reasons,
        "limits": limits if count > signed or kept is None else [],
    }  # fmt: skip


def _in_words(line: Mapping[str, Any]) -> str:
    head = f"{line['tenant']}: {line['entries']} entries"
    if line["sound"]:
        return f"{head}, sound, {line['signed']} of them signed ({line['entries_per_second']} entries/s)"
    return f"{head}, then TAMPERED:\n" + "\n".join(f"  {reason}" for reason in line["reasons"])
