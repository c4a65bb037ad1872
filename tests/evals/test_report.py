"""The report: one file that needs nothing else, reads as HTML, and shows what it was given and nothing of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from evals import plots
from evals.report import Run, html, numeric, shown
from evals.results import Dots, Lines, Metric, Plot, Stacks, SuiteResult, Table, heading, words
from evals.thresholds import Mark, judge

EVIL = "<script>alert(1)</script> & \"quoted\" 'so'"
VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})
PLOTS: tuple[Plot, ...] = (
    Lines("curve", EVIL, "x", "y", {"one": [(0.0, 0.0), (0.5, 0.9), (1.0, 1.0)], EVIL: [(0.1, 0.2)]}, diagonal=True),
    Dots("dots", "note", "share", [(EVIL, 0.5, 0.4, 0.6), ("nothing", None, None, None), ("bare", 1.0, None, None)]),
    Stacks("bars", "note", "seats", ["low", EVIL], {"a": [1.0, 2.0], "b": [0.0, 0.5]}),
)


class Reader(HTMLParser):
    """What is in a page: the nesting must close, every attribute is kept."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def assert_self_contained(text: str) -> Reader:
    page = Reader(text)
    assert not page.open, f"never closed: {page.open}"
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{tag} has {name}"
            if name in ("src", "href", "xlink:href", "action", "data", "poster"):
                assert (value or "").startswith("#"), f"{tag} refers to {value}"
    assert not re.search(r"url\(|@import|https?://|//[a-z]", text)
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    for picture in page.of("svg"):
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= set(names)
    for link in page.of("a"):
        assert str(link["href"])[1:] in names
    return page


def made(marks: dict[str, dict[str, Mark]] | None = None) -> Run:
    metrics = [Metric("ibm", "auc", 0.8123, 0.7, 0.9, 1500), Metric("ibm", "speed", 12.0, count=3, unit="ms")]
    result = SuiteResult(
        "risk", EVIL, metrics, [Table(EVIL, ("name", "count"), [(EVIL, 3), ("b", None)], "note")], PLOTS, [EVIL]
    )
    judged = {"risk": judge(result, marks or {})}
    return Run([result], judged, [("Seed", "1"), ("Odd", EVIL)], datetime(2026, 11, 20, 12, 5, tzinfo=UTC))


def test_the_page_needs_nothing_else_and_says_what_it_was_given() -> None:
    page = assert_self_contained(html(made()))
    words = " ".join(page.words)
    assert page.of("html")[0]["lang"] == "en"
    assert "0.812" in words
    assert "1,500" in words
    assert words.count(EVIL) >= 8
    assert "2026-11-20 12:05" in words
    assert len(page.of("svg")) == len(page.of("figure")) == len(PLOTS)
    assert len(page.of("details")) == len(PLOTS) + 1  # the numbers of each plot, and metrics without a mark
    assert "No pass mark applies" in words
    assert "prefers-color-scheme: dark" in words


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Mark(at_least=0.8), "The one pass mark is met."),
        (Mark(at_least=0.9), "1 of 1 pass marks missed."),
    ],
)
def test_missed_pass_marks_stand_at_the_top(mark: Mark, words: str) -> None:
    run = made({"risk": {"ibm/auc": mark}})
    text = html(run)
    assert_self_contained(text)
    assert words in text
    assert ("Pass marks missed" in text) is bool(run.missed)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: type(plot).__name__)
def test_a_plot_is_drawn_within_its_frame_and_has_its_numbers_beside_it(plot: Plot) -> None:
    picture = plots.svg(plot, 7)
    page = Reader(picture)
    assert EVIL not in picture
    width, height = map(float, str(page.of("svg")[0]["viewbox"]).split()[2:])
    for tag, attributes in page.tags:
        for name, limit in (("x", width), ("cx", width), ("x1", width), ("y", height), ("cy", height), ("y1", height)):
            if name in attributes:
                assert 0 <= float(str(attributes[name])) <= limit, f"{tag} {attributes}"
    columns, rows = plots.data(plot)
    assert rows
    assert all(len(row) == len(columns) for row in rows)


def test_an_interval_that_starts_at_nothing_is_drawn_from_there() -> None:
    page = Reader(plots.svg(Dots("t", "n", "share", [("a", 0.5, 0.0, 1.0)]), 1))
    (span,) = [one for one in page.of("line") if one["class"] == "span"]
    (dot,) = page.of("circle")
    left, right, middle = (float(str(value)) for value in (span["x1"], span["x2"], dot["cx"]))
    assert left < middle < right
    assert middle == pytest.approx((left + right) / 2)


def test_a_long_legend_takes_more_rows_and_pushes_the_plot_down() -> None:
    names = [f"a rather long name of series {at}" for at in range(5)]
    short, long = (
        plots.svg(Lines("t", "n", "x", "y", {name: [(0.0, 1.0), (1.0, 0.0)] for name in given}), 1)
        for given in (names[:1], names)
    )
    height = [float(str(Reader(text).of("svg")[0]["viewbox"]).split()[3]) for text in (short, long)]
    rows = {str(one["y"]) for one in Reader(long).of("text") if one["class"] == "legend"}
    assert len(rows) >= 3
    assert height[1] - height[0] == plots._LEGEND_ROW * (len(rows) - 1)
    assert f"translate(0 {plots._LEGEND_ROW * (len(rows) - 1)})" in long
    assert 'class="legend"' not in short


def test_series_are_told_apart_without_colours() -> None:
    page = Reader(plots.svg(Lines("t", "n", "x", "y", {"a": [(0.0, 0.0)] * 20, "b": [(1.0, 1.0)] * 20}), 1))
    assert [one["class"] for one in page.of("polyline")] == ["s0", "s1", "s0", "s1"]  # legend, then curves


def test_long_labels_of_bars_stand_in_two_lines_and_amounts_have_their_unit() -> None:
    page = Reader(plots.svg(Stacks("t", "n", "y", ["10,000 to 25,000"], {"s": [1.0]}, "amount in EUR"), 1))
    assert "10,000 to 25,000" not in page.words
    assert {"10,000 to", "25,000", "amount in EUR"} <= set(page.words)
    assert plots._two_lines("below") == ["below"]
    assert plots._two_lines("withoutanyspace") == ["withoutanyspace"]


def test_every_column_has_a_name_and_an_empty_table_says_so() -> None:
    result = SuiteResult("risk", "", [Metric("d", "m", 1.0)], [Table("t", ("name", "count"), [])], PLOTS)
    text = html(Run([result], {"risk": judge(result, {})}, [], datetime(2026, 11, 20, tzinfo=UTC)))
    assert '<td colspan="2">none</td>' in text
    assert not re.search(r"<th [^>]*></th>", text)
    assert all(one.get("aria-label") for one in assert_self_contained(text).of("div"))


def test_names_read_as_people_write() -> None:
    assert [words(name) for name in ("pr_auc", "ece_of_model", "made_up_xml", "price")] == [
        "PR AUC", "ECE of model", "made up XML", "price",
    ]  # fmt: skip
    assert [heading(name) for name in ("ibm", "near_misses", "")] == ["IBM", "Near misses", ""]


def test_axes_have_round_marks() -> None:
    picture = plots.svg(Stacks("t", "n", "seats", ["a"], {"s": [2.0]}), 1)
    marks = re.findall(r'<text class="tick"[^>]*text-anchor="end">([^<]+)<', picture)
    assert marks == ["0", "0.5", "1", "1.5", "2"]


def test_cells_read_as_people_write() -> None:
    assert [shown(cell) for cell in (None, 0.12345, 51.26, 12345.6, 282.0, 1.0, 1200, "x")] == [
        "", "0.123", "51.3", "12,346", "282", "1.000", "1,200", "x",
    ]  # fmt: skip
    assert numeric([("a", 1, None), ("b", 2.5, "x")], 1)
    assert not numeric([("a", 1, None), ("b", 2.5, "x")], 2)
    assert not numeric([("a", 1)], 0)
