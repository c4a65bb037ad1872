"""A wait is judged by how long the model held somebody up, not by how busy the machine was."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest

from agents.letter import Letter, TemplateComposer
from evals.injection_clock import ClockedComposer, Pulse, Wait, Waits, by_batch

LETTER = Letter("a@b.example", "accounts_payable", "request_purchase_order", "en", "neutral",
                {"party": "P", "sender": "S", "reference": "R", "invoice_number": "I-1"}, case="c-1")  # fmt: skip
DEADLINE = 0.2


@dataclass
class Late(TemplateComposer):
    """Holds up whoever asks: `busy` takes the machine with it, idle waiting does not."""

    seconds: float
    busy: bool = False

    def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            if self.busy:
                sum(range(10_000_000))  # one call into C: no other thread of this process gets on
            else:
                time.sleep(0.05)
        return super().paragraphs(letter)


def waited(composer: TemplateComposer) -> Wait:
    with Pulse() as pulse:
        waits = Waits(pulse)
        assert ClockedComposer(composer, waits).paragraphs(LETTER)
    (one,) = waits.all
    assert one.case == "c-1"
    return one


def test_a_worker_that_is_blocked_is_late() -> None:
    assert waited(Late(DEADLINE + 1.0)).late(DEADLINE)
    assert not waited(TemplateComposer()).late(DEADLINE)


def test_a_machine_that_stands_still_is_no_fault_of_the_model() -> None:
    one = waited(Late(DEADLINE + 1.5, busy=True))
    assert one.seconds > DEADLINE + 1.0
    assert one.held < one.seconds / 2
    assert not one.late(DEADLINE)


def test_a_wait_is_counted_where_the_composer_fails() -> None:
    class Broken(TemplateComposer):
        def paragraphs(self, letter: Letter) -> tuple[str, ...] | None:
            raise ValueError(letter.case)

    with Pulse() as pulse:
        waits = Waits(pulse)
        with pytest.raises(ValueError, match="c-1"):
            ClockedComposer(Broken(), waits).phrase(LETTER)
    assert len(waits.all) == 1


def test_the_pulse_ends_with_its_block() -> None:
    with Pulse():
        pass
    assert not any(one.name == "pulse" for one in threading.enumerate())


def test_waits_of_a_batch_are_added_up() -> None:
    waits = [Wait("a", 1.0, 1.0), Wait("a", 0.5, 0.5), Wait("q", 2.0, 2.0), Wait("", 9.0, 9.0)]
    assert by_batch(["a", *"bcdefghijklmnop", "q"], waits) == (1.75, 2.0)
    assert by_batch([], []) == (0.0, 0.0)
