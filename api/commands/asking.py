"""Questions to the person at the terminal, and what stands in for an answer where there is no terminal."""

from __future__ import annotations

import sys
from getpass import getpass
from pathlib import Path

from governance.errors import Malformed


def passphrase(file: Path | None, *, twice: bool = False) -> str:
    """From the first line of `file`, else from the terminal, where it is not shown. Raises Malformed without either."""
    if file is not None:
        words = file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        if not words:
            raise Malformed(f"{file} is empty: write the passphrase into its first line")
        return words
    if not sys.stdin.isatty():
        raise Malformed("there is no terminal to ask for the passphrase: give --passphrase-file FILE")
    words = getpass("Passphrase of the signing key: ")
    if twice and words != getpass("Once more: "):
        raise Malformed("the two passphrases differ")
    return words


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes, in full. Raises Malformed where there is no terminal."""
    if not sys.stdin.isatty():
        raise Malformed("there is no terminal to ask: look at it with countersign case, then give --yes")
    sys.stderr.write(f"{question} Type yes to sign: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
