"""countersign migrate: the database gets this program's schema; a new installation its first administrators."""

from __future__ import annotations

import argparse

HELP = "bring the database to this program's schema; with --admin found a new installation"


def configure(parser: argparse.ArgumentParser) -> None:
    from api.commands.user import parse_person

    parser.add_argument(
        "--admin", action="append", default=[], type=parse_person, metavar="NAME=EMAIL",
        help="an administrator of a new installation; give it twice, for two are needed",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from api import founding, keyring, wiring
    from api.commands.listing import say
    from api.commands.output import emit
    from api.settings import load_settings
    from governance.record.db import LOGIN_ROLES, migrate

    settings = load_settings(args.home)
    known = keyring.read_keyring(args.home)
    owner_url = settings.secret("database_url") or wiring.embedded_url(args.home)
    if args.admin:
        tenant = settings.tenant or (known.tenant if known else "main")
        keys = founding.first_start(args.home, owner_url, tenant, args.admin, settings=settings)
        emit(args, ("id", "key"), [{"id": person, "key": key} for person, key in keys.items()])
        say("the keys are shown this once" if keys else f"tenant {tenant} was founded before: nobody was added")
        return 0
    given = {role: value for role in LOGIN_ROLES if (value := settings.secret(f"{role}_password"))}
    ran = migrate(owner_url, roles={**(known.roles if known else {}), **given})
    emit(args, ("file",), [{"file": name} for name in ran])
    say(f"{len(ran)} files ran" if ran else "the database is up to date")
    return 0
