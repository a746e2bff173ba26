"""Reports for tests, and how to read the pages that are made of them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TypeAlias

import attrs

from gurney.core import Completeness, Expectation, InstanceReference, Outcome, OutcomeStatus
from gurney.transfer import Report
from gurney.transfer.ledger import Claim, Ledger, Sample
from gurney.transfer.parcels import Delivered

from .ledgers import ONCE, claim, outcome, references

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=//evil.example/x onerror=alert(1)>",
    "{{ 7 * 7 }} {% include 'x' %} &amp;",
    "$\\frac{1}{0}$ \u202ereversed\u202c \x1b[31m",
)
"""Reasons as an archive might give them that wants to be more than text."""

NIGHT = 1_700_000_000.0
"""When the first run began."""


def report(folder: Path) -> Report:
    """A transfer over two nights: one study whole, one damaged, one in doubt, one not yet begun."""
    with Ledger.open(folder) as ledger:
        ledger.agree({"from": ("dicomweb+https://pacs.example", "<b>second</b>"), "to": "out"})
        ledger.began("first", "run", NIGHT)
        claims = _claims()
        items = ledger.announce((f"row {n}", ledger.digest(str(n))) for n in range(len(claims) + 1))
        for item, each in zip(items, claims, strict=False):
            ledger.planned([item], [attrs.evolve(each, item=item)])
        ledger.failed_to_plan(items[-1:], f"no study was found {HOSTILE[0]}")
        for n, parcel in enumerate(ledger.parcels(500, NIGHT)):
            if parcel.references[0].study_uid != "1.4":
                outcomes = tuple(_outcome(ref, i) for i, ref in enumerate(parcel.references))
                ledger.record(
                    Delivered(
                        parcel=parcel.number, outcomes=outcomes, received=1_000_000 * (n + 1)
                    ),
                    ONCE,
                    NIGHT,
                )
        for n in range(200):
            time = NIGHT + n * 5.0 + (86_400.0 if n >= 100 else 0.0)
            ledger.sample(
                Sample(time=time, done=n, failed=0, received=n * 10**7, under_way=n % 4, limit=4)
            )
        ledger.ended("first", NIGHT + 90_000.0, "the disk is full")
    return Report(folder)


def _claims() -> tuple[Claim, ...]:
    unsure = Expectation(
        3, "instance listing", Completeness.UNKNOWN, ("nobody knows " + HOSTILE[1],)
    )
    return (
        claim("1.1", references("1.1", series=2), modalities={"1.1.1": "CT", "1.1.2": HOSTILE[3]}),
        claim("1.2", references("1.2", instances=len(HOSTILE) + 2)),
        claim("1.3", expected=unsure),
        claim("1.4"),
    )


def _outcome(reference: InstanceReference, place: int) -> Outcome:
    if reference.study_uid == "1.2" and place < len(HOSTILE):
        status = (OutcomeStatus.FAILED, OutcomeStatus.REFUSED)[place % 2]
        return outcome(reference, status, reason=HOSTILE[place], retries=2)
    return attrs.evolve(outcome(reference), size=10 ** (place % 7))


Tag: TypeAlias = tuple[str, dict[str, "str | None"]]
"""The name of an element, and its attributes."""


@attrs.define
class Page(HTMLParser):
    """A page, read strictly: what is open must be closed."""

    tags: list[Tag] = attrs.field(factory=list[Tag])
    text: str = ""
    _open: list[str] = attrs.field(factory=list[str])

    def __attrs_pre_init__(self) -> None:
        HTMLParser.__init__(self)

    @classmethod
    def read(cls, path: Path) -> Page:
        page = cls()
        page.feed(path.read_text("utf-8"))
        page.close()
        assert [] == page._open
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element with this tag."""
        return [attributes for name, attributes in self.tags if name == tag]

    def words(self) -> str:
        """The text, with single spaces."""
        return " ".join(self.text.split())
