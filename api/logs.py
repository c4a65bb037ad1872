"""Where log lines go."""

from __future__ import annotations

import sys

import structlog


def to_stderr() -> None:
    """Log lines go to stderr: stdout is for results."""
    # Asked for at each line, so that what replaces sys.stderr later is honoured.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
