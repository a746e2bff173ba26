"""The instances of a study, listed and counted until both agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from ..core import Assembler, DICOMObjectLevels
from .counting import Counts, doubts_about_instances
from .desk import Item, Listing, NotRelationalError
from .one_study import OneStudy, Rows

__all__ = ["InstanceSearch"]


class InstanceSearch:
    """Lists instances, and passes them on at once: there may be many; only UIDs are kept here."""

    def __init__(self, study: OneStudy, assembler: Assembler) -> None:
        self._study: OneStudy = study
        self._assembler: Assembler = assembler
        self._found: dict[str, set[str]] = {}  # by series
        self._listings: list[tuple[Listing, str | None, int | None]] = []  # series, its count

    def run(self, series: Mapping[str, Collection[Item]], *, whole: bool) -> None:
        """Find the instances of *series*; these are the *whole* study, or some of it."""
        counts = Counts.of(self._study.items, series)
        short = self._list_study(counts) if whole else None
        if short is None:
            for uid, counted in counts.in_series.items():
                self._list_series(uid, counted)
            short = self._short_series(counts)
        cut = [uid for uid in short if self._fill(uid, counts.in_series.get(uid))]
        for listing, series_uid, counted in self._listings:
            self._study.judge(listing, self._count(series_uid), counted)
        listed = Counter({uid: len(found) for uid, found in self._found.items()})
        self._study.doubts += doubts_about_instances(
            self._study.uid,
            listed,
            counts,
            whole=whole,
            cut=bool(cut),
            sure=self._are_surely_whole,
        )
        for uid, counted in counts.in_series.items():
            self._study.note_more("instances", listed[uid], counted)
        self._study.note_more("instances", listed.total(), counts.instances)
        if whole and counts.agree_by_series(listed):
            self._study.note_less(listed.total(), counts.instances)

    def _are_surely_whole(self) -> bool:
        is_surely_whole = self._study.plan.desk.is_surely_whole
        return all(is_surely_whole(listing.received) for listing, _, _ in self._listings)

    def _list_study(self, counts: Counts) -> list[str] | None:
        """List all; return the series to be asked for once more, each by itself.

        `None` if the archive lists series by series only.
        """
        if not self._study.plan.desk.across_series():
            return None
        expected = counts.all_instances
        listing = self._study.instances(expected=expected)
        try:
            self._add(listing)
        except NotRelationalError:
            return None
        self._listings.append((listing, None, expected))
        short = self._short_series(counts)
        if listing.capped or (not short and self._count() < (counts.instances or 0)):
            return [*dict.fromkeys([*counts.in_series, *self._found])]
        return short

    def _list_series(self, uid: str, counted: int | None) -> None:
        listing = self._study.instances(uid, counted)
        self._add(listing, uid)
        self._listings.append((listing, uid, counted))

    def _add(self, rows: Rows, series_uid: str = "") -> None:
        add, own, found = self._assembler.add, self._study.uid, self._found
        for (study, series, uid), item in rows:
            if study != own or series_uid not in ("", series):
                self._study.hold_back_foreign(item)
                continue
            if uid:
                found.setdefault(series, set()).add(uid)
            add(item, DICOMObjectLevels.INSTANCE)

    def _fill(self, series_uid: str, counted: int | None) -> bool:
        """Ask for a series that came short by itself, then by number; say if that brought more."""
        mine = self._found.setdefault(series_uid, set())
        before = len(mine)
        listing = self._study.instances(series_uid, counted)
        rows = self._study.own(listing)
        found = {names[-1]: item for names, item in rows if names[-1] and names[1] == series_uid}
        if counted is not None and len(mine | found.keys()) < counted:
            found = dict(self._study.instances_by_number(series_uid, found, counted))
        for uid, item in found.items():
            if uid not in mine:
                mine.add(uid)
                self._assembler.add(item, DICOMObjectLevels.INSTANCE)
        return len(mine) > before

    def _short_series(self, counts: Counts) -> list[str]:
        return [uid for uid, n in counts.in_series.items() if self._count(uid) < (n or 0)]

    def _count(self, series_uid: str | None = None) -> int:
        if series_uid is not None:
            return len(self._found.get(series_uid, ()))
        return sum(map(len, self._found.values()))
