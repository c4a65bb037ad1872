"""As whom a command acts: the key of a person, or for reading on this machine what HOME holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from api.settings import PREFIX, load_settings
from api.wiring import System
from governance.errors import Malformed, Unauthenticated

DEMO_CREDENTIALS = "demo-credentials.json"


def own_key(args: argparse.Namespace) -> str | None:
    """The key that was given for this command, by file or by environment; None where neither was."""
    if args.key_file is not None:
        key = Path(args.key_file).read_text(encoding="utf-8").strip()
        if not key:
            raise Malformed(f"{args.key_file} is empty: write your API key into it")
        return key
    return load_settings(args.home).secret("api_key")


def person_key(args: argparse.Namespace) -> str:
    """The key of the person who acts. Raises Unauthenticated where none was given."""
    key = own_key(args)
    if key is None:
        raise Unauthenticated(f"say who you are: set {PREFIX}API_KEY to your API key, or give --key-file FILE")
    return key


def reader_key(args: argparse.Namespace, system: System) -> str:
    """Who reads: the person who was named, else the demo's auditor, else intake's service of this HOME."""
    key = own_key(args)
    if key is not None:
        return key
    try:
        return str(json.loads((args.home / DEMO_CREDENTIALS).read_text())["keys"]["auditor"])
    except FileNotFoundError:
        return system.token("intake")
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{args.home / DEMO_CREDENTIALS} is damaged: give --key-file FILE") from error
