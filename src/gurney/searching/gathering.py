"""Everything that answers matching keys, asked for in parts where the archive does not send all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Final

import attrs

from ..core import (
    Completeness,
    DICOMObjectLevels,
    Found,
    Matches,
    TransferInterruptedError,
    chunked,
    search_in_parts,
)
from .allowance import Allowance
from .desk import Desk, Item, Listing, Question
from .doubts import Doubt
from .keys import Keys, alternatives, not_required

__all__ = ["Experience", "Search", "Window"]

_UIDS_AT_ONCE: Final = 20  # in one URL, which many servers limit to 2 or 8 kB
_UID_KEYS: Final = ("StudyInstanceUID", "SeriesInstanceUID")
_ANYTHING: Final = {"PatientBirthDate": "18000101-"}
_FIRST_DAY: Final = "00010101"
_TELLS_CASE: Final = (
    "the archive tells capitals from small letters in names; it was asked for small letters, for"
    " capitals and for capital initials, and names in other spellings may match, too"
)
_INITIAL: Final = re.compile(r"(?:^|(?<=[\^= -]))\w")
_ANY_TEXT: Final = "?*"  # not `*`, which matches also what an archive does not know


@attrs.define
class Experience:
    """What earlier searches have shown of an archive.

    Attributes
    ----------
    proved
        By level, how long a listing was that proved to be whole. Shorter ones are not cut.
    known_keys
        Keys that the archive can search by, though it need not.
    decodes_badly
        Whether it was seen to find nothing by values that hold characters to be escaped (Q32).
    folds_case
        Whether it finds names in small letters and capitals alike; `None` if nobody has looked.
    tells_equipment
        Whether it was seen to tell the equipment of each series, not of one for all of a study.
    heeds_modalities
        Whether it can search by ModalitiesInStudy; `None` if that is not known.
    """

    proved: dict[DICOMObjectLevels, int] = attrs.field(factory=dict[DICOMObjectLevels, int])
    known_keys: set[str] = attrs.field(factory=set[str])
    decodes_badly: bool = False
    tells_equipment: bool = False
    folds_case: bool | None = None
    heeds_modalities: bool | None = None


@attrs.frozen
class Window:
    """The caller's own window into the archive's list of studies."""

    offset: int = 0
    limit: int | None = None


class Search:
    """One question about studies, or series, of the whole archive.

    Attributes
    ----------
    items
        By UID, or UIDs, in order of first appearance.
    odd
        Items without a UID, and doubles; with their UIDs.
    level
        Of the items.
    doubts
        Why there may be more.
    notes
        What is odd, and does not matter.
    loose
        Those that came when wildcards were put in the place of characters: what of them does not
        match is none of the archive's faults.
    """

    def __init__(
        self,
        desk: Desk,
        question: Question,
        check: Callable[[Item], Matches],
        *,
        dates: tuple[date | None, date | None] = (None, None),
        window: Window | None = None,
        allowance: Allowance,
        experience: Experience,
    ) -> None:
        self.items: dict[str, Item] = {}
        self.odd: list[tuple[str, Item]] = []
        self.level: DICOMObjectLevels = question.level
        self._odd: set[str] = set()
        self.doubts: list[Doubt] = []
        self.notes: dict[str, None] = {}
        self.loose: dict[str, Item] = {}
        self._too_large: str = ""  # why nothing more is asked
        self._desk: Desk = desk
        self._question: Question = question
        self._check: Callable[[Item], Matches] = check
        self._dates: tuple[date | None, date | None] = dates
        self._window: Window = window or Window()
        self._allowance: Allowance = allowance
        self._experience: Experience = experience

    def run(self) -> None:
        """Ask."""
        for keys in alternatives(self._question.keys):
            self._gather(keys)
        if not self._desk.folds_case and self._window == Window():
            self._gather_in_other_case()
        if not self.items and not self.loose and not self.doubts:
            self._doubt_nothing()

    # ------------------------------------------------------------ asking

    def _gather(self, keys: Keys) -> None:
        loose, known, doubts = self._desk.loosened(keys), set(self.items), len(self.doubts)
        if loose == keys or not (loose and self._experience.decodes_badly):
            self._gather_as_asked(keys)
        new = (item for uids, item in self.items.items() if uids not in known)
        if len(self.doubts) > doubts or any(self._check(item).matched for item in new):
            return
        if loose is None:
            self.doubts.append(
                Doubt(
                    "nothing was found, and the query holds characters that some archives cannot"
                    " decode; put wildcards in their place"
                )
            )
        elif loose != keys:
            before = set(self.items)
            self._gather_as_asked(loose)
            new_ones = [uids for uids in self.items if uids not in before]
            self.loose |= {uids: self.items.pop(uids) for uids in new_ones}

    def _gather_in_other_case(self) -> None:
        """Ask for names in other spellings too, if the archive tells capitals apart."""
        name, experience = self._question.keys.get("PatientName", ""), self._experience
        if name.swapcase() == name:
            return
        if experience.folds_case is None:
            experience.folds_case = self._finds_in_other_case()
        if experience.folds_case is not False:
            return
        self.doubts.append(Doubt(_TELLS_CASE))
        for spelling in {name.upper(), name.lower(), _with_initials(name)} - {name}:
            for keys in alternatives({**self._question.keys, "PatientName": spelling}):
                self._gather_in_parts(keys)

    def _finds_in_other_case(self) -> bool | None:
        """Say whether a name that is there is found in the other case; `None` if none is there."""
        items = iter(self.items.values())
        named = next(filter(_has_name, items), None)
        if named is None:
            found, _ = self._list({"PatientName": _ANY_TEXT}, most=20)
            named = next(filter(_has_name, found.values()), None)
        if named is None:
            return None
        name = named.text("PatientName").partition("=")[0].swapcase()
        keys = {"StudyInstanceUID": named.text("StudyInstanceUID"), "PatientName": f"{name}*"}
        found, _ = self._list(keys)
        return bool(found)

    def _gather_as_asked(self, keys: Keys) -> None:
        name = next((name for name in _UID_KEYS if name in keys), "")
        if name and not self._window.offset:
            self._gather_by_uid(keys, name)
        else:
            self._gather_in_parts(keys)

    def _gather_by_uid(self, keys: Keys, name: str) -> None:
        """Ask for several UIDs at once, then for those that did not come one by one (Q18)."""
        for uids in chunked(keys[name].split("\\"), _UIDS_AT_ONCE):
            one_each = len(uids) if name == "StudyInstanceUID" else None
            found, listing = self._list({**keys, name: "\\".join(uids)}, expected=one_each)
            self._keep(found)
            if len(uids) == 1 and not found:
                self._judge(listing)
                continue
            for uid in uids:
                if not any(item.text(name) == uid for item in self.items.values()):
                    found, listing = self._list({**keys, name: uid})
                    self._keep(found)
                    self._judge(listing)

    def _gather_in_parts(self, keys: Keys) -> None:
        level, proved = self._question.level, self._experience.proved
        window, most = self._window, None
        if window.limit is not None:
            most = window.limit + 1
        first, listing = self._list(keys, offset=window.offset, most=most)
        if window.offset or (most is not None and len(first) >= most):
            self._keep(first)
            self._say_window(len(first))
            return
        if listing.doubt:
            self.doubts.append(Doubt(listing.doubt))
        found = _found(first, listing)
        if not listing.capped and found.received + 1 < proved.get(level, 0):
            self._keep(first)
            return
        gathered = search_in_parts(
            partial(self._ask, keys),
            found,
            dates=self._dates,
            spare="" if "PatientID" in keys else "PatientID",
            budget=self._allowance.left,
            exceeds=self._desk.lists_more_than,
        )
        self._keep(gathered.items)
        state = gathered.completeness
        self.doubts += [Doubt(reason, completeness=state) for reason in gathered.reasons]
        is_proved = state is Completeness.COMPLETE and not listing.capped
        if is_proved and gathered.questions and len(gathered.items) == len(first):
            proved[level] = max(found.received, proved.get(level, 0))

    def _ask(self, keys: Keys, further: Mapping[str, str]) -> Found[Item]:
        """Ask for a part.

        To Orthanc no date is earlier than any: in each part that is open towards the past it would
        list the studies without a date, which may fill it.
        """
        if self._too_large:  # parts would need as much room
            return Found({}, self._too_large)
        self._allowance.take()
        dates = further.get("StudyDate", "")
        closed = {"StudyDate": f"{_FIRST_DAY}{dates}"} if dates.startswith("-") else {}
        try:
            found, listing = self._list({**keys, **further, **closed})
        except TransferInterruptedError:  # what other parts have brought is kept (D30)
            reason = "a part of the search broke off without any result"
            self.doubts.append(Doubt(reason, completeness=Completeness.CAPPED))
            return Found({})
        if listing.doubt:
            self.doubts.append(Doubt(listing.doubt))
        return _found(found, listing)

    def _list(
        self, keys: Keys, *, expected: int | None = None, offset: int = 0, most: int | None = None
    ) -> tuple[dict[str, Item], Listing]:
        question = attrs.evolve(self._question, keys=keys)
        listing = self._desk.list(question, expected=expected, offset=offset, most=most)
        found: dict[str, Item] = {}
        for names, item in listing:
            uid = "/".join(names)
            if not all(names) or uid in found:
                self._keep_odd(uid, item)
            else:
                found[uid] = item
        if listing.too_large:
            self._too_large = listing.capped
        if listing.note:
            self.notes[listing.note] = None
        return found, listing

    # ------------------------------------------------------------ judging

    def _keep_odd(self, uid: str, item: Item) -> None:
        """Keep what cannot be placed, or is there already; once, though parts bring it again."""
        written = f"{uid} {item.written(_TOLD_APART_BY)}"
        if written not in self._odd:
            self._odd.add(written)
            self.odd.append((uid, item))

    def _keep(self, found: Mapping[str, Item]) -> None:
        for uid, item in found.items():
            self.items.setdefault(uid, item)

    def _judge(self, listing: Listing) -> None:
        if listing.capped:
            self.doubts.append(Doubt(listing.capped, completeness=Completeness.CAPPED))
        elif listing.doubt:
            self.doubts.append(Doubt(listing.doubt))

    def _say_window(self, count: int) -> None:
        """Say that the caller's own window cut the result."""
        window = self._window
        if window.offset:
            reason = f"the query passes over the first {window.offset} studies"
            self.doubts.append(Doubt(reason, completeness=Completeness.CAPPED))
        if window.limit is not None and count > window.limit:
            reason = f"the query takes {window.limit} studies at most, and there are more"
            self.doubts.append(Doubt(reason, completeness=Completeness.CAPPED))

    def _doubt_nothing(self) -> None:
        """Nothing was found; perhaps because the archive cannot search by a key (Q16)."""
        for name in not_required(self._question.keys, self._desk.required):
            if not self._knows(name):
                self.doubts.append(
                    Doubt(
                        f"nothing was found, and it is not known whether the archive can search by"
                        f" {name}; leave it out to see"
                    )
                )

    def _knows(self, name: str) -> bool:
        """Say whether the archive finds anything by any value of a key; then it can search by it.

        An archive that ignores the key finds something too: that it found nothing before is true.
        """
        if name not in self._experience.known_keys:
            keys = {name: _ANYTHING.get(name, _ANY_TEXT)}
            found, _ = self._list(keys, most=1)
            if found:
                self._experience.known_keys.add(name)
        return name in self._experience.known_keys


def _with_initials(name: str) -> str:
    """Write a name with capital initials.

    >>> _with_initials("DOE-roe^J?NE*")
    'Doe-Roe^J?ne*'
    """
    return _INITIAL.sub(lambda found: found[0].upper(), name.lower())


def _has_name(item: Item) -> bool:
    """Say whether an item has a name with letters that any archive can read."""
    name = item.text("PatientName")
    return name.isascii() and name.isprintable() and name.swapcase() != name


def _found(items: Mapping[str, Item], listing: Listing) -> Found[Item]:
    doubles = max(0, listing.received - len(items))
    return Found(items, listing.capped, listing.total, doubles, listing.accident)


# What tells rows without UIDs, and doubles, apart: StudyDate, StudyTime, PatientID, series UID
_TOLD_APART_BY: Final = ("00080020", "00080030", "00100020", "0020000E")
