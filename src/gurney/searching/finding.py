"""One search: studies first, then what is in each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from ..core import (
    Completeness,
    DICOMObjectLevels,
    ExtendedQuery,
    SearchResult,
    Study,
    assemble,
    level_of_keyword,
)
from .allowance import Allowance
from .branches import Branch, find_branch
from .desk import Desk, Item, NotRelationalError
from .doubts import Doubt
from .gathering import Experience, Window
from .keys import alternatives
from .one_study import Listed, Plan
from .questions import Questions
from .report import Report
from .studies import StudySearch

__all__ = ["Finding"]

_STUDY, _SERIES, _INSTANCE = sorted(DICOMObjectLevels, reverse=True)
_NAMES: Final = {_SERIES: "series", _INSTANCE: "instances"}


class Finding:
    """What is found by one query."""

    def __init__(
        self,
        desk: Desk,
        experience: Experience,
        query: ExtendedQuery,
        window: Window | None = None,
        *,
        fuzzy: bool = False,
        max_requests: int = 500,
        relational: bool = False,
        parallel: int = 1,
    ) -> None:
        self._desk: Desk = desk
        self._experience: Experience = experience
        self._questions: Questions = Questions(query, window or Window(), fuzzy=fuzzy)
        self._relational: bool = relational
        self._parallel: int = parallel
        self._allowance: Allowance = Allowance(max_requests)
        self._report: Report = Report()
        self._search: StudySearch = StudySearch(
            desk,
            self._questions,
            report=self._report,
            allowance=self._allowance,
            experience=experience,
        )

    def result(self) -> SearchResult:
        """Ask, and put together what comes."""
        found = self._search.find()
        if self._questions.level is _STUDY and not self._search.remaining:
            studies = assemble(found.values(), _STUDY).studies
        else:
            studies = self._with_branches(found)
        studies = self._cut_to_limit(studies)
        self._note_fields()
        return self._report.of(studies)

    # ------------------------------------------------------------ what is in the studies

    def _with_branches(self, found: Mapping[str, Item]) -> tuple[Study, ...]:
        questions = self._questions
        plan = Plan(
            desk=self._desk,
            level=min(questions.level, _SERIES),
            wanted=tuple(self._search.remaining),
            returned=questions.of_series,
            fields={level: questions.fields(level) for level in DICOMObjectLevels},
            allowance=self._allowance,
            listed=self._list_all(found),
        )
        branches = self._branches(partial(find_branch, plan), self._search.by_patient(found))
        failures = [branch.failure for branch in branches if branch.failure is not None]
        if failures and len(failures) == len(branches):
            raise failures[0]
        experience = self._experience
        experience.tells_equipment |= any(branch.tells_equipment for branch in branches)
        if not (experience.tells_equipment or self._desk.equipment_by_series):
            self._report.add(doubts=[doubt for branch in branches for doubt in branch.untold])
        for branch in branches:
            assembly = branch.assembly
            self._report.add(doubts=branch.doubts, held_back=branch.held_back, notes=branch.notes)
            self._report.add(held_back=assembly.held_back, notes=assembly.notes)
        studies = [s for branch in branches if branch.wanted for s in branch.assembly.studies]
        if questions.level is _STUDY:
            return tuple(Study(study.uid, study.data) for study in studies)
        return tuple(studies)

    def _branches(
        self,
        find: Callable[[str, Collection[Item]], Branch],
        found: Mapping[str, Collection[Item]],
    ) -> list[Branch]:
        """Ask about several studies at a time; keep their order."""
        if self._parallel == 1 or len(found) < 2:
            return [find(uid, items) for uid, items in found.items()]
        pool = ThreadPoolExecutor(min(self._parallel, len(found)), "gurney-search")
        try:
            return list(pool.map(find, found, found.values()))
        finally:
            pool.shutdown(cancel_futures=True)

    def _list_all(self, found: Mapping[str, Item]) -> Mapping[str, Listed]:
        """List the series or instances of all studies at once, if that is wanted and possible."""
        questions = self._questions
        keys = self._desk.loosened(questions.of_study)
        if not self._relational or keys is None or questions.of_series or self._search.remaining:
            return {}
        studies = {uid: Listed() for uid in found}
        for uid, study in studies.items():
            study.assembler.add(found[uid], _STUDY)
        try:
            for alternative in alternatives(keys):
                question = questions.question(questions.level, alternative)
                for names, item in self._desk.list(question):
                    if names[0] in studies:
                        studies[names[0]].add(names, item, questions.level)
        except NotRelationalError:
            return {}
        return studies

    # ------------------------------------------------------------ what was asked for besides

    def _cut_to_limit(self, studies: tuple[Study, ...]) -> tuple[Study, ...]:
        limit = self._questions.window.limit
        if limit is None or len(studies) <= limit:
            return studies
        reason = f"the query takes {limit} studies at most, and there are more"
        self._report.add(doubts=[Doubt(reason, completeness=Completeness.CAPPED)])
        return studies[:limit]

    def _note_fields(self) -> None:
        """Say which fields cannot have come."""
        for field in self._questions.fields_too_deep():
            what = _NAMES[level_of_keyword(field)]
            self._report.add(notes=[f"{field} is not returned: it describes {what}; search deeper"])
        for level in DICOMObjectLevels:
            if level >= self._questions.level and not self._desk.takes_fields(level):
                note = "the archive takes no names of fields, and returns what it likes"
                self._report.add(notes=[note])
