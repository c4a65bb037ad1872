"""Where log lines go."""

from __future__ import annotations

import sys

import structlog


def to_stderr() -> None:
    """Log lines go to stderr: stdout is for results."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
