"""The studies that a query may mean: by keys of studies, and by keys of their series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from ..core import Assembler, DICOMObjectLevels, Matches
from .allowance import Allowance
from .checking import checked
from .desk import Desk, Item, NotRelationalError, Question
from .doubts import Doubt
from .gathering import Experience, Search, Window
from .keys import Keys, widened
from .questions import Questions, SeriesKeys
from .report import Report

__all__ = ["StudySearch"]

_OTHER_SPELLING: Final = (
    "nothing was found, but with wildcards for the characters beyond ASCII something is, which may"
    " be the same in a damaged spelling; put such wildcards in the query to see it"
)
_DAMAGED: Final = (
    "what the archive returned does not match, and may be the same in a damaged spelling; put"
    " wildcards for the characters beyond ASCII in the query to see it"
)
_UNCLEAR: Final = (
    "the archive does not heed all that was asked for, and {} of what it returned do not show"
    " whether they match; they are held back"
)
_MODALITIES: Final = "ModalitiesInStudy"
_ANY, _NONE = "?*", "NO_SUCH_MODALITY"
_STUDY, _SERIES = DICOMObjectLevels.STUDY, DICOMObjectLevels.SERIES


class StudySearch:
    """Finds studies, and says which keys of series remain to be looked for in each.

    Attributes
    ----------
    remaining
        What some series of each study has to match, and was not asked for.
    """

    def __init__(
        self,
        desk: Desk,
        questions: Questions,
        *,
        report: Report,
        allowance: Allowance,
        experience: Experience,
    ) -> None:
        self.remaining: list[SeriesKeys] = []
        self._doubles: list[tuple[str, Item]] = []
        self._desk: Desk = desk
        self._questions: Questions = questions
        self._report: Report = report
        self._allowance: Allowance = allowance
        self._experience: Experience = experience

    def find(self) -> Mapping[str, Item]:
        """Return the studies that match, by UID."""
        questions, window = self._questions, self._questions.window
        keys, uids = questions.of_study, self._uids_by_series()
        if uids is not None and not uids:
            return {}
        if uids is not None:
            keys = {**keys, "StudyInstanceUID": "\\".join(uids)}
        if _MODALITIES in keys and not self._heeds_modalities():
            keys = {name: keys[name] for name in keys if name != _MODALITIES}
            self.remaining.append(questions.of_modality())
        limit = window.limit if uids is None and not self.remaining else None
        question = questions.question(_STUDY, keys)
        return self._search(question, questions.check(keys), Window(window.offset, limit))

    def by_patient(self, found: Mapping[str, Item]) -> dict[str, list[Item]]:
        """Return the items of each study *found*: one, or one for each patient it has (Q33)."""
        items = {uid: {item.text("PatientID"): item} for uid, item in found.items()}
        for uid, item in self._doubles:
            items.get(uid, {}).setdefault(item.text("PatientID"), item)
        return {uid: [*patients.values()] for uid, patients in items.items()}

    # ------------------------------------------------------------ by their series

    def _uids_by_series(self) -> dict[str, None] | None:
        """Return the UIDs of the studies that have such series; `None` for any study.

        Keys of series are unknown to studies: by them Orthanc finds nothing, and others all.
        """
        uids: dict[str, None] | None = None
        for wanted in (self._questions.of_series, self._questions.of_equipment):
            if wanted is not None:
                found = self._studies_with(wanted)
                if found is None:
                    self.remaining.append(wanted)
                else:
                    uids = {uid: None for uid in found if uids is None or uid in uids}
        return uids

    def _studies_with(self, wanted: SeriesKeys) -> dict[str, None] | None:
        """List the series of all studies by these keys; `None` if each study is to be asked.

        Some archives (Orthanc) match all series of a study by the equipment of the first one. So
        where there are few studies each is looked at, and else the result is in doubt.
        """
        questions = self._questions
        is_equipment = wanted is questions.of_equipment
        if "StudyInstanceUID" in questions.of_study or (is_equipment and self._are_few()):
            return None
        keys: Keys = {**questions.of_study, **wanted.keys}
        keys = {name: keys[name] for name in keys if name != _MODALITIES}
        question = questions.question(_SERIES, keys)
        try:
            found = self._search(question, questions.check(keys), Window())
        except NotRelationalError:
            return None
        if is_equipment:
            names = " and ".join(wanted.keys)
            reason = f"archives may know {names} of one series of each study only; narrow the query"
            self._report.add(doubts=[Doubt(reason)])
        return dict.fromkeys(uids.partition("/")[0] for uids in found)

    def _heeds_modalities(self) -> bool:
        """Say whether studies can be searched by ModalitiesInStudy; if not known, try it out.

        Then it finds something by any value, and nothing by one that does not exist.
        """
        experience = self._experience
        if _MODALITIES in self._desk.required:
            return True
        if experience.heeds_modalities is None:
            experience.heeds_modalities = self._finds(_ANY) and not self._finds(_NONE)
        return experience.heeds_modalities

    def _finds(self, modality: str) -> bool:
        question = self._questions.question(_STUDY, {_MODALITIES: modality})
        return any(True for _ in self._desk.list(question, most=1))

    def _are_few(self) -> bool:
        """Say whether each of the studies can be looked at."""
        most = self._allowance.left
        question = self._questions.question(_STUDY, self._questions.of_study)
        listing = self._desk.list(question, most=most + 1)
        return sum(1 for _ in listing) <= most

    # ------------------------------------------------------------ by keys

    def _search(
        self, question: Question, check: Callable[[Item], Matches], window: Window
    ) -> Mapping[str, Item]:
        query = self._questions.query
        if not self._questions.fuzzy and window == Window():
            question = attrs.evolve(question, keys=widened(question.keys))
        search = Search(
            self._desk,
            question,
            check,
            dates=(query.min_study_date, query.max_study_date),
            window=window,
            allowance=self._allowance,
            experience=self._experience,
        )
        search.run()
        self._report.add(doubts=search.doubts, notes=search.notes)
        self._hold_back_odd(search)
        found = checked(search.items, check, self._questions.check_as_asked(question.keys))
        self._report.add(held_back=found.held_back)
        self._note_ignored(question, search.items, found.ignored)
        if found.unclear:
            self._report.add(doubts=[Doubt(_UNCLEAR.format(found.unclear))])
        self._report.add(notes=[_unverified(*each) for each in found.unverified.items()])
        matching = {**found.items, **self._matching_loosely(search.loose, check, question)}
        if search.items and not matching and not "".join(question.keys.values()).isascii():
            self._report.add(doubts=[Doubt(_DAMAGED)])
        return matching

    def _matching_loosely(
        self,
        items: Mapping[str, Item],
        check: Callable[[Item], Matches],
        question: Question,
    ) -> Mapping[str, Item]:
        """Return what matches of what came when wildcards were in the place of characters."""
        found = checked(items, check, check)
        self._experience.decodes_badly |= bool(found.items)
        if items and not found.items and not "".join(question.keys.values()).isascii():
            self._report.add(doubts=[Doubt(_OTHER_SPELLING)], held_back=found.held_back)
        return found.items

    def _hold_back_odd(self, search: Search) -> None:
        """Let the assembler say what is wrong with items without a UID, and with doubles."""
        if not all(all(uids.split("/")) for uids, _ in search.odd):
            reason = "the archive lists something without a UID, which cannot be placed"
            self._report.add(doubts=[Doubt(reason)])
        for uids, item in search.odd:
            assembler = Assembler()
            if first := search.items.get(uids, search.loose.get(uids)):
                assembler.add(first, search.level)
            assembler.add(item, search.level)
            assembly = assembler.finish()
            self._doubles.append((uids, item))
            self._report.add(held_back=assembly.held_back, notes=assembly.notes)

    def _note_ignored(
        self, question: Question, items: Mapping[str, Item], ignored: tuple[str, ...]
    ) -> None:
        """Say so if the archive returns the same without the keys that nothing matches (Q15)."""
        if not ignored:
            return
        keys = {name: value for name, value in question.keys.items() if name not in ignored}
        listing = self._desk.list(attrs.evolve(question, keys=keys), most=len(items))
        if not items.keys() ^ {"/".join(names) for names, _ in listing}:
            names = " and ".join(ignored)
            note = f"the archive does not heed {names}: without, it returns the same"
            self._report.add(notes=[note])


def _unverified(keyword: str, count: int) -> str:
    return (
        f"{count} of what was found is included although {keyword} could not be checked: the"
        f" archive returns no such attribute, or none that is precise enough"
    )
