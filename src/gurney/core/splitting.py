"""A search that an archive cuts short is asked again in parts. Pure: the caller does the asking.

Archives return the first N of M matches, and some do so without a word. Parts that bring fewer
than N were not cut; together they are everything, or they show that there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

import attrs

from .results import Completeness
from .windows import Place, Window, place_of, whole_window

__all__ = ["Ask", "Described", "Found", "Gathered", "search_by_number", "search_in_parts"]


class Described(Protocol):
    """An item of an answer, that can be asked what it says of itself."""

    def text(self, keyword: str, /) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        ...


ItemT = TypeVar("ItemT", bound=Described)


@attrs.frozen
class Found(Generic[ItemT]):
    """What one question brought.

    Attributes
    ----------
    items
        By UID, in the archive's order.
    capped
        Why it is known to be cut short, in words; ``""`` if it ended by itself.
    total
        How many there are in all, if the archive says so.
    doubles
        How many more came than are in *items*: doubles, and what has no UID. They count, too,
        where an archive stops.
    accident
        Whether it is cut short by accident: it says nothing of where this archive stops.
    """

    items: Mapping[str, ItemT]
    capped: str = ""
    total: int | None = None
    doubles: int = 0
    accident: bool = False

    @property
    def received(self) -> int:
        """How many came."""
        return len(self.items) + self.doubles


@attrs.frozen
class Gathered(Generic[ItemT]):
    """What all the questions brought, and whether it is everything.

    Attributes
    ----------
    items
        By UID, in order of first appearance.
    completeness, reasons
        As in `SearchResult`.
    questions
        How many were asked beyond the first.
    """

    items: Mapping[str, ItemT]
    completeness: Completeness
    reasons: tuple[str, ...] = ()
    questions: int = 0


Ask: TypeAlias = Callable[[Mapping[str, str]], Found[ItemT]]
"""Asks the same question with further matching keys: by keyword, as DICOM writes them."""

_EMPTY: Final = '""'  # PS3.4 C.2.2.2.7: present, and empty


def search_in_parts(
    ask: Ask[ItemT],
    first: Found[ItemT],
    *,
    dates: tuple[date | None, date | None] = (None, None),
    spare: str = "",
    budget: int = 100,
    exceeds: Callable[[int], bool] | None = None,
) -> Gathered[ItemT]:
    """Find out whether the answer *first* is everything; if not, divide its question until it is.

    The question is divided by StudyDate, days of many studies by StudyTime, and what these do not
    tell apart by the first characters of *spare*. An answer that does not say that it was cut is
    put to the test: parts of the question must bring nothing new. That proves nothing of studies
    without a date, or that are all of one second; so if there are such, the answer is in doubt. A
    single study is believed to be all: nobody stops at one.

    Parameters
    ----------
    ask
        Asks a narrower question. StudyDate and StudyTime are ranges, or two quotation marks for
        "present and empty"; *spare* ends in a wildcard. What it raises ends the search.
    first
        The answer to the undivided question.
    dates
        First and last StudyDate of the undivided question, `None` where it is open.
    spare
        The keyword of a text that the undivided question leaves open, e.g. ``"PatientID"``.
    budget
        How many questions may be asked.
    exceeds
        Says whether the archive has been seen to return more than so many at a time. Then an
        answer that is in doubt was not cut. It may ask something else to find out.

    Returns
    -------
    Gathered
        ``COMPLETE`` if the parts prove it. ``CAPPED`` if it was cut, and there are parts that were
        cut too and cannot be divided any more. ``UNKNOWN`` if there may be studies that no part
        can bring: an archive cannot, mostly, be asked for those without a StudyDate.

    Notes
    -----
    What the test cannot see is an archive that cuts in silence, if all that was found has a date
    and everything beyond the cut has none; or no time, if all that was found is of one day.

    Examples
    --------
    An archive that returns two studies at most, and does not say so:

    >>> from gurney.core import ExtendedQuery, Query, SearchResult
    >>> from gurney.testing import MemoryArchive, example_datasets
    >>> archive = MemoryArchive(example_datasets(), cap=2)
    >>> class Item(dict):
    ...     text = dict.__getitem__
    >>> def ask(keys):
    ...     first, _, last = keys.get("StudyDate", "-").partition("-")
    ...     studies = archive.find_studies(Query(min_study_date=first, max_study_date=last))
    ...     return Found({study.uid: Item(StudyDate=study.data.StudyDate, StudyTime="")
    ...                   for study in studies})
    >>> gathered = search_in_parts(ask, ask({}))
    >>> len(ask({}).items), len(gathered.items)
    (2, 3)
    """
    division = _Division(ask, first, spare, budget)
    whole = whole_window(*dates)
    if not first.capped and len(first.items) > 1:
        division.test(whole)
        if not division.cut and exceeds is not None:
            division.reassure(exceeds)
    if division.cut:
        division.divide(whole, first)
        division.divide_by_text_instead()
        division.ask_for_empty()
    return division.result()


class _Division(Generic[ItemT]):
    """A search, while it is being divided."""

    def __init__(self, ask: Ask[ItemT], first: Found[ItemT], spare: str, budget: int) -> None:
        self.cut: str = first.capped  # why the first answer is known not to be everything
        self._ask: Ask[ItemT] = ask
        self._first: Found[ItemT] = first
        self._spare: str = spare
        self._budget: int = budget
        self._questions: int = 0
        self._items: dict[str, ItemT] = dict(first.items)
        self._stopped: str = ""  # why nothing more is asked
        self._unheeded: bool = False  # because ranges of dates or times mean nothing to it
        self._left: dict[str, None] = {}  # why something is missing
        self._doubts: dict[str, None] = {}  # why something may be missing
        self._unasked: list[tuple[str, Mapping[str, str]]] = []  # what no range brings

    # ------------------------------------------------------------ is it everything?

    def test(self, window: Window) -> None:
        """Ask for parts that each leave room for more than was found in them.

        As long as all that was found lies in one part, that part is divided instead.
        """
        known = {uid: _place(item) for uid, item in self._first.items.items()}
        axis = window.axis
        if not axis:
            self._doubts["what was found is all of one second, and so there may be more"] = None
        elif any(window.lacks(place) for place in known.values()):
            self._doubts[f"some have no {axis}, and so there may be others without"] = None
        for part in window.cut(known.values(), spare=""):
            if all(part.holds(place) for place in known.values()):
                self.test(part)
                continue
            answer = self._answer(part)
            if answer is not None and answer.capped and not self.cut:
                self.cut = f"a part of it was cut short, and so may the whole be: {answer.capped}"
            if answer is None or self.cut:
                return
            if not answer.items.keys() >= {uid for uid in known if part.holds(known[uid])}:
                self._doubts[_misses(window.axis)] = None

    def reassure(self, exceeds: Callable[[int], bool]) -> None:
        """Drop the doubts if the archive returns more than this at other times.

        The whole is asked for once more then: it may be that it does so only now.
        """
        if self._doubts and not self._stopped and exceeds(self._first.received + 1):
            again = self._found({})
            if again is not None and not again.capped and not self.cut:
                self._doubts.clear()

    # ------------------------------------------------------------ everything, in parts

    def divide(self, window: Window, found: Found[ItemT]) -> None:
        """Ask for the parts of *window*, and for the parts of those that may be cut too."""
        axis = window.axis
        parts = window.cut(map(_place, found.items.values()), self._spare)
        if not parts:
            self._left["what a part of it holds cannot be told apart by date, time or text"] = None
        elif not axis:
            self._left[f"there may be others, of which {self._spare} begins otherwise"] = None
        elif window.open:
            self._unasked.append((axis, {**window.keys(self._spare), axis: _EMPTY}))
        for part in parts:
            answer = self._answer(part)
            if answer is None:
                return
            if answer.capped or self._may_be_cut(answer):
                self.divide(part, answer)

    def divide_by_text_instead(self) -> None:
        """Go on with first characters if the archive cannot divide by dates."""
        if self._unheeded and self._spare:
            self._left[self._stopped] = None
            self._stopped, self._unheeded = "", False
            self._unasked.clear()
            self.divide(Window(by_text=True), self._first)

    def _may_be_cut(self, answer: Found[ItemT]) -> bool:
        """Say whether it stops where the first one did; some archives return one more (Q10).

        Who said that the first one was cut would say so of this one. Where that was an accident,
        nobody knows where the archive stops; but nobody stops at one.
        """
        first = self._first
        if first.accident:
            return answer.received > 1
        if first.capped:
            return answer.received > first.received + 1 > 1
        return answer.received + 1 >= first.received > 0 < answer.received

    def ask_for_empty(self) -> None:
        """Ask for those that no range brings. Few archives understand this; most find nothing."""
        for axis, keys in self._unasked:
            answer = self._found(keys)
            if answer is None:
                return
            understood = answer.items and not any(map(_said(axis), answer.items.values()))
            if answer.capped or not understood:
                self._doubts[f"nobody can say whether there are others without a {axis}"] = None

    # ------------------------------------------------------------ asking

    def _answer(self, part: Window) -> Found[ItemT] | None:
        """Ask for *part*; `None` if nothing more is to be asked."""
        answer = self._found(part.keys(self._spare))
        if answer is None:
            return None
        if not self._is_heeded(part, answer.items.values()):
            self._stopped = "the archive does not heed " + " and ".join(part.keys(self._spare))
            self._unheeded = not part.by_text
            return None
        return answer

    def _is_heeded(self, part: Window, items: Collection[ItemT]) -> bool:
        """Nothing lies outside *part*, and not everything is without a date or time."""
        inside = [part.holds(_place(item)) for item in items]
        begins = part.prefix.casefold()
        return (
            False not in inside
            and (True in inside or not items)
            and all(
                item.text(self._spare).casefold().startswith(begins) for item in items if begins
            )
        )

    def _found(self, keys: Mapping[str, str]) -> Found[ItemT] | None:
        if self._questions == self._budget and not self._stopped:
            self._stopped = f"the budget of {self._budget} questions is used up"
        if self._stopped:
            return None
        self._questions += 1
        answer = self._ask(keys)
        if not self.cut and not answer.items.keys() <= self._items.keys():
            self.cut = f"it stopped at {self._first.received} without saying so"
        for uid, item in answer.items.items():
            self._items.setdefault(uid, item)
        return answer

    # ------------------------------------------------------------ what came of it

    def result(self) -> Gathered[ItemT]:
        total = self._first.total
        if self._stopped:
            (self._left if self.cut else self._doubts)[self._stopped] = None
        if total is not None and len(self._items) < total:
            self._left[f"the archive speaks of {total}, and {len(self._items)} were found"] = None
        proved = total is not None and len(self._items) >= total
        if self._left and not proved:
            return self._gathered(Completeness.CAPPED, [self.cut, *self._left])
        if self._doubts and not proved:
            return self._gathered(Completeness.UNKNOWN, self._doubts)
        return self._gathered(Completeness.COMPLETE, ())

    def _gathered(self, completeness: Completeness, reasons: Iterable[str]) -> Gathered[ItemT]:
        words = tuple(filter(None, reasons))
        return Gathered(self._items, completeness, words, self._questions)


def _place(item: Described) -> Place:
    return place_of(item.text("StudyDate"), item.text("StudyTime"))


def _said(keyword: str) -> Callable[[Described], str]:
    return lambda item: item.text(keyword)


def _misses(axis: str) -> str:
    return f"the archive does not find by {axis} what it lists without it"


# ------------------------------------------------------------ by number


def search_by_number(
    ask: Ask[ItemT], first: Found[ItemT], keyword: str, *, expected: int, budget: int = 1000
) -> Gathered[ItemT]:
    """Ask for what is missing from a short listing of series or instances, number by number.

    Parameters
    ----------
    ask
        Asks for those with one SeriesNumber or InstanceNumber.
    first
        The listing.
    keyword
        ``"SeriesNumber"`` or ``"InstanceNumber"``.
    expected
        How many there are, as far as the archive counts.
    budget
        How many questions may be asked.

    Returns
    -------
    Gathered
        ``COMPLETE`` if as many as expected were found, else ``CAPPED``.
    """
    items, questions = dict(first.items), 0
    for number in _numbers(first, keyword, expected):
        if len(items) >= expected or questions == budget:
            break
        questions += 1
        answer = ask({keyword: str(number)})
        if not all(_number(item, keyword) in (number, None) for item in answer.items.values()):
            break  # it does not match by number: any other would bring the same
        items.update((uid, item) for uid, item in answer.items.items() if uid not in items)
    if len(items) >= expected:
        return Gathered(items, Completeness.COMPLETE, questions=questions)
    reason = f"the archive counts {expected}, and {len(items)} were found"
    return Gathered(items, Completeness.CAPPED, (reason,), questions)


def _numbers(first: Found[ItemT], keyword: str, expected: int) -> Iterator[int]:
    """Yield what has not been seen, then what has: several may bear one number."""
    seen = {_number(item, keyword) for item in first.items.values()} - {None}
    highest = max((number for number in seen if number is not None), default=0)
    numbers = [*range(1, min(max(expected, highest), 10 * expected) + 1), 0]
    yield from (number for number in numbers if number not in seen)
    yield from (number for number in numbers if number in seen)


def _number(item: Described, keyword: str) -> int | None:
    try:
        return int(item.text(keyword))
    except ValueError:
        return None
