"""The HTML report: what it says, what it never does."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timezone
from pathlib import Path

import pytest

from gurney.core import InvalidInputError, OutcomeStatus, StorageError
from gurney.transfer import Report
from gurney.transfer.ledger import Ledger
from gurney.transfer.page import PageLimits, write_page

from .ledgers import claim, fetch_all, planned
from .pages import HOSTILE, Page, report


@pytest.fixture
def made(tmp_path: Path) -> Report:
    return report(tmp_path / "ledger")


@pytest.fixture
def index(made: Report, tmp_path: Path) -> Path:
    return write_page(made, tmp_path / "pages", zone=timezone.utc)


def pages_of(index: Path) -> list[Path]:
    return [index, *sorted((index.parent / "studies").glob("*.html"))]


def test_there_is_a_page_for_each_incomplete_study(index: Path) -> None:
    """And none for a complete one; the first page links each, and the CSV."""
    links = {attributes["href"] for attributes in Page.read(index).of("a")}

    assert ["1.2.html", "1.3.html", "1.4.html"] == [path.name for path in pages_of(index)[1:]]
    assert {"instances.csv", "studies/1.2.html", "studies/1.3.html", "studies/1.4.html"} == links
    assert all((index.parent / str(link)).is_file() for link in links)


def test_figures_are_those_of_the_receipt(made: Report, index: Path) -> None:
    """Nothing is counted in another way than the receipt counts."""
    receipt, words = made.receipt(), Page.read(index).words()
    expected = sum(study.expectation.count or 0 for study in receipt.studies)
    received = sum(study.received for study in receipt.studies)
    whole = sum(study.complete for study in receipt.studies)
    retries = sum(outcome.retries for outcome in receipt.outcomes)

    assert receipt.counts == made.counts
    assert f"complete {received} of {expected} instances, " in words
    assert re.search(rf"\b{whole} of 4 studies complete", words)
    assert re.search(rf"\b{retries}asked for again", words)
    for status in (OutcomeStatus.FAILED, OutcomeStatus.REFUSED, OutcomeStatus.MISSING):
        assert re.search(rf"\b{receipt.counts[status]}\s+·\s+[\d.]+ %", words)
    assert receipt.to_csv() == (index.parent / "instances.csv").read_text("utf-8")
    assert [] == [reason for reason in receipt.reasons if reason not in words]


def test_every_page_is_well_formed_and_names_no_id_twice(index: Path) -> None:
    """What is opened is closed; plots do not borrow each other's clip paths."""
    for path in pages_of(index):
        ids = Counter(
            attributes["id"] for _, attributes in Page.read(path).tags if "id" in attributes
        )

        assert [] == [name for name, number in ids.items() if number > 1]


def test_what_others_say_stays_text(index: Path) -> None:
    """Reasons, names of archives and modalities make no elements and steer nothing."""
    for path in pages_of(index):
        page = Page.read(path)

        assert [] == page.of("script") + page.of("img") + page.of("b")[5:]
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", path.read_text("utf-8"))
    study = Page.read(pages_of(index)[1])
    assert HOSTILE[0] in study.text
    assert HOSTILE[1] in study.text
    assert HOSTILE[2] in study.text
    assert r"\u202ereversed\u202c \x1b[31m" in study.text
    assert "<b>second</b>" in Page.read(index).text


def test_nothing_is_loaded(index: Path) -> None:
    """No element names a place elsewhere, and the browser is told to load nothing."""
    for path in pages_of(index):
        page, text = Page.read(path), path.read_text("utf-8")
        policies = [a.get("content") for a in page.of("meta") if "http-equiv" in a]

        assert ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"] == policies
        assert {"data:,"} == {attributes["href"] for attributes in page.of("link")}
        assert [] == [attributes for _, attributes in page.tags if "src" in attributes]
        assert "@import" not in text
        assert {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"} >= set(
            re.findall(r'="(https?://[^"]*)"', text)
        )


def test_it_is_light_and_dark_and_printable(index: Path) -> None:
    """Colours are variables, in the plots too; a dark screen and paper have their own."""
    text = index.read_text("utf-8")

    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media print" in text
    for plot in re.findall(r"<svg .*?</svg>", text, re.DOTALL):
        assert [] == re.findall(r"(?:fill|stroke|stop-color): ?#\w+", plot)
        assert "var(--" in plot


def test_plots_have_names(index: Path) -> None:
    """Who cannot see a plot is told what it is."""
    labels = [str(attributes.get("aria-label")) for attributes in Page.read(index).of("svg")]

    assert 5 == len(labels)
    assert labels[0].startswith("Throughput over time, at most ")
    assert {"Instances by outcome", "Instances by size", "Instances by modality"} < set(labels)


def test_what_does_not_fit_is_counted(made: Report, tmp_path: Path) -> None:
    """A page stays small, and says loudly what it leaves out, and where that is."""
    limits = PageLimits(studies=1, lines=1, reasons=1)
    index = write_page(made, tmp_path / "small", limits=limits)
    first, study = Page.read(index), Page.read(index.parent / "studies" / "1.2.html")

    assert 2 == len(pages_of(index))
    assert "These are the first 1 of 3. Every instance of every study is in instances.csv" in (
        first.words()
    )
    assert "These are the first 1 of 4; instances.csv has all." in study.words()


def test_it_may_be_written_again(made: Report, index: Path) -> None:
    """A later report takes the place of an earlier one; pages that are not needed go."""
    with Ledger.open(made.folder) as ledger:
        ledger.retry_failed()
        fetch_all(ledger)
    write_page(made, index.parent)

    assert ["1.3.html"] == [path.name for path in pages_of(index)[1:]]
    assert {"index.html", "instances.csv", "studies"} == {p.name for p in index.parent.iterdir()}


def test_other_files_are_not_touched(made: Report, tmp_path: Path) -> None:
    """A folder with something else in it is refused, before anything is written."""
    (tmp_path / "thesis.doc").write_text("mine")

    with pytest.raises(InvalidInputError, match="holds other files than a report"):
        write_page(made, tmp_path)
    assert {"thesis.doc", "ledger"} == {path.name for path in tmp_path.iterdir()}


def test_where_nothing_can_be_written(made: Report, tmp_path: Path) -> None:
    """It is said in one sentence, with what to do."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"cannot be written to pages: .*; make room"):
        write_page(made, tmp_path / "file" / "pages")


def test_a_complete_transfer_says_so(tmp_path: Path) -> None:
    """No reasons, no list of studies, one sentence to cite."""
    with Ledger.open(tmp_path / "ledger") as ledger:
        planned(ledger, claim("1.1"))
        fetch_all(ledger)
    index = write_page(Report(tmp_path / "ledger"), tmp_path / "pages")
    words = Page.read(index).words()

    assert words.startswith("Transfer: complete complete 3 of 3 instances, 21 bytes")
    assert "the transfer was complete." in words
    assert "Why it is not complete" not in words
    assert [index] == pages_of(index)


def test_a_transfer_that_has_not_begun(tmp_path: Path) -> None:
    """An empty ledger gives a page too, without plots."""
    with Ledger.open(tmp_path / "ledger"):
        pass
    index = write_page(Report(tmp_path / "ledger"), tmp_path / "pages")

    assert [] == Page.read(index).of("svg")


def test_no_values_of_patients(index: Path) -> None:
    """Paths are made by layouts, which may hold names: no page shows one."""
    assert [] == [path for path in pages_of(index) if ".dcm" in path.read_text("utf-8")]
