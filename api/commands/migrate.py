"""countersign migrate: the database gets this program's schema; a new installation its first people."""

from __future__ import annotations

import argparse

HELP = "bring the database to this program's schema; with --admin and --controller found a new installation"


def configure(parser: argparse.ArgumentParser) -> None:
    from api.commands.user import founder_options

    founder_options(parser)
    parser.add_argument(
        "--recover", metavar="WHY",
        help="nobody can sign any more: give these people their roles and new keys, and say why in the ledger",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from api import founding, keyring, wiring
    from api.commands.listing import say
    from api.commands.output import emit
    from api.commands.user import founders
    from api.settings import load_settings
    from governance.record.db import LOGIN_ROLES, migrate

    if args.recover is not None:
        founders(args)
    settings = load_settings(args.home)
    known = keyring.read_keyring(args.home)
    owner_url = settings.secret("database_url") or wiring.embedded_url(args.home)
    if args.admin or args.controller:
        persons = founders(args)
        tenant = settings.tenant or (known.tenant if known else "main")
        if args.recover is not None:
            keys = founding.recover(owner_url, tenant, persons, args.recover)
        else:
            keys = founding.first_start(args.home, owner_url, tenant, persons, settings=settings)
        emit(args, ("id", "key"), [{"id": person, "key": key} for person, key in keys.items()])
        say("the keys are shown this once" if keys else f"tenant {tenant} was founded before: nobody was added")
        return 0
    given = {role: value for role in LOGIN_ROLES if (value := settings.secret(f"{role}_password"))}
    ran = migrate(owner_url, roles={**(known.roles if known else {}), **given})
    emit(args, ("file",), [{"file": name} for name in ran])
    say(f"{len(ran)} files ran" if ran else "the database is up to date")
    return 0
