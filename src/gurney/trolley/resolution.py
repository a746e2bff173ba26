"""References are completed through a searcher, in as few queries as possible. No downloads here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    Completeness,
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    Expectation,
    GurneyError,
    InstanceReference,
    NoReferencesFoundError,
    Outcome,
    OutcomeStatus,
    Query,
    QueryLevels,
    Searcher,
    SearchResult,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    chunked,
    number,
    text,
    to_references,
    unique,
)

__all__ = [
    "Branch",
    "NOT_SAID",
    "Resolution",
    "instances",
    "resolve",
    "resolve_each",
    "unresolved",
]

NOT_SAID: Final = "the searcher does not say whether its listing is complete"
_UIDS_PER_QUERY: Final = 50  # of up to 64 characters: with both levels, a URL stays below 8 KB
_Above: TypeAlias = StudyReference | SeriesReference


@attrs.frozen
class Branch:
    """One thing that is wanted, and what is in it.

    Attributes
    ----------
    references
        At the level wanted, or deeper; not empty.
    whole
        The level of which *references* are everything: STUDY, if they are all of a study as far
        as anyone knows; SERIES, if they are all of each series they are in; else INSTANCE.
    """

    references: tuple[DICOMObjectReference, ...]
    whole: DICOMObjectLevels


@attrs.frozen
class Resolution:
    """References at the level wanted, and how many there should be.

    Attributes
    ----------
    branches
        In the order of the objects they come from; what they hold may overlap.
    unresolved
        What could not be completed, with the reason.
    expectations
        By Study Instance UID, in order of first appearance.
    notes
        What the listings that were asked for say besides.
    modalities
        Modality (0008,0060) by Series Instance UID, as far as those listings say it.
    """

    branches: tuple[Branch, ...]
    unresolved: dict[DICOMObjectReference, str]
    expectations: dict[str, Expectation]
    notes: tuple[str, ...] = ()
    modalities: dict[str, str] = attrs.field(factory=dict[str, str])

    @property
    def references(self) -> tuple[DICOMObjectReference, ...]:
        """Everything at the level wanted, each once, in order."""
        return tuple(unique(ref for branch in self.branches for ref in branch.references))


def resolve(
    searcher: Searcher, objects: Iterable[DICOMDownloadable], level: DICOMObjectLevels
) -> Resolution:
    """Return references to everything in *objects*, at *level* or deeper.

    What *objects* do not know of their own content is asked of *searcher*: one query for up to 50
    studies. What a query with several UIDs does not bring is asked for again by itself, because
    some archives do not understand lists of UIDs.

    Raises
    ------
    ArchiveUnavailableError, AuthenticationError
        If there is nobody to ask, or nobody who answers us.
    """
    (resolution,) = resolve_each(searcher, [objects], level)
    return resolution


def resolve_each(
    searcher: Searcher, groups: Iterable[Iterable[DICOMDownloadable]], level: DICOMObjectLevels
) -> tuple[Resolution, ...]:
    """Resolve each of *groups* by itself, in as few queries as if they were one.

    See `resolve`. What is in two groups is asked for once.
    """
    known = [[part for obj in objects for part in _parts(obj, level)] for objects in groups]
    unknown = unique(part.reference for parts in known for part in parts if part.failure)
    answers = _complete(searcher, list(unknown), level)
    return tuple(
        _resolution([_answered(part, answers) if part.failure else part for part in parts])
        for parts in known
    )


def _resolution(parts: Sequence[_Part]) -> Resolution:
    return Resolution(
        branches=tuple(Branch(part.references, part.whole) for part in parts if part.references),
        unresolved={part.reference: part.failure for part in parts if part.failure},
        expectations=_expectations(parts),
        notes=tuple(unique(note for part in parts for note in part.notes)),
        modalities={uid: modality for part in parts for uid, modality in part.modalities},
    )


@attrs.frozen
class _Part:
    """What is known of one branch: its references at the level wanted, or why there are none."""

    reference: DICOMObjectReference
    references: tuple[DICOMObjectReference, ...] = ()
    announced: int | None = None
    source: str = "instances named by the caller"
    reasons: tuple[str, ...] = ()
    completeness: Completeness = Completeness.COMPLETE
    failure: str = ""
    notes: tuple[str, ...] = ()
    whole: DICOMObjectLevels = DICOMObjectLevels.INSTANCE
    proved: bool = False
    modalities: tuple[tuple[str, str], ...] = ()


def _parts(obj: DICOMDownloadable, level: DICOMObjectLevels) -> Iterator[_Part]:
    """Yield *obj* as one part if it is known down to *level*, else its branches one by one."""
    reference = obj.reference()
    try:
        references, announced = to_references((obj,), level), _announced_for_choice(obj)
        yield _Part(
            reference,
            references,
            announced,
            whole=_whole(obj),
            notes=_contradictions(obj),
            modalities=_modalities(obj),
        )
    except NoReferencesFoundError as error:
        failure = "" if obj.children else str(error)
        yield _Part(reference, announced=_announced_for_choice(obj), failure=failure)
        for child in obj.children:
            yield from _parts(child, level)


def _answered(part: _Part, answers: Mapping[DICOMObjectReference, _Part]) -> _Part:
    """What the caller knows of the count is not forgotten when the archive says less.

    Unless the archive proves it, by counting all series.
    """
    answer = answers[part.reference]
    if answer.proved:
        return answer
    counts = [count for count in (part.announced, answer.announced) if count is not None]
    return attrs.evolve(answer, announced=max(counts, default=None))


def _complete(
    searcher: Searcher, unknown: Sequence[DICOMObjectReference], level: DICOMObjectLevels
) -> dict[DICOMObjectReference, _Part]:
    studies: list[_Above] = [ref for ref in unknown if isinstance(ref, StudyReference)]
    series: list[_Above] = [ref for ref in unknown if isinstance(ref, SeriesReference)]
    answers: dict[DICOMObjectReference, _Part] = {}
    for group in (studies, series):
        for chunk in chunked(group, _UIDS_PER_QUERY):
            answers.update(_ask(searcher, chunk, level))
    return answers


def _ask(
    searcher: Searcher, refs: Sequence[_Above], level: DICOMObjectLevels
) -> dict[DICOMObjectReference, _Part]:
    series = [ref.series_uid for ref in refs if isinstance(ref, SeriesReference)]
    query = Query(
        StudyInstanceUID=unique(ref.study_uid for ref in refs),
        SeriesInstanceUID=unique(series) if series else "",
        query_level=QueryLevels.from_object_level(level),
    )
    failure = ""
    result: Sequence[Study] = ()
    try:
        result = searcher.find_studies(query)
    except (ArchiveUnavailableError, AuthenticationError):
        raise
    except GurneyError as error:
        failure = f"the search for it failed: {error}"
    studies = {study.uid: study for study in result}
    answers: dict[DICOMObjectReference, _Part] = {}
    for ref in refs:
        part = _look_up(ref, studies, result, level, failure)
        again = len(refs) > 1 and _is_doubtful(part, result)
        answers.update(_ask(searcher, [ref], level) if again else {ref: part})
    return answers


def _is_doubtful(part: _Part, result: Sequence[Study]) -> bool:
    """Whether asking by itself may tell more: the doubt about a result may be about another."""
    return bool(part.failure) or (isinstance(result, SearchResult) and not result.complete)


def _look_up(
    ref: _Above,
    studies: dict[str, Study],
    result: Sequence[Study],
    level: DICOMObjectLevels,
    failure: str,
) -> _Part:
    try:
        obj: Study | Series = studies[ref.study_uid]
        if isinstance(ref, SeriesReference):
            obj = studies[ref.study_uid][ref.series_uid]
        references = to_references((obj,), level)
    except KeyError:
        return _Part(ref, failure=failure or f"the archive lists no such {ref.level.name.lower()}")
    except NoReferencesFoundError as error:
        return _Part(ref, failure=f"the archive lists it, but not what is in it: {error}")
    announced = _announced(obj)
    completeness, reasons = _judge(result, len(references), announced)
    notes = result.notes if isinstance(result, SearchResult) else _contradictions(obj)
    return _Part(
        reference=ref,
        references=references,
        announced=announced,
        source="instance listing",
        reasons=reasons,
        completeness=completeness,
        notes=notes,
        whole=_whole(obj),
        proved=_is_proved(obj),
        modalities=_modalities(obj),
    )


def _judge(
    result: Sequence[Study], listed: int, announced: int | None
) -> tuple[Completeness, tuple[str, ...]]:
    """Whether the listing of one study is all of it; a plain list can be proved by the count."""
    if isinstance(result, SearchResult):
        return result.completeness, result.reasons
    if announced == listed:
        return Completeness.COMPLETE, ()
    return Completeness.UNKNOWN, (NOT_SAID,)


def _announced(obj: DICOMDownloadable) -> int | None:
    """How many instances the archive says are in *obj*; absent is unknown, not zero."""
    if isinstance(obj, Series):
        return number(obj.data, "NumberOfSeriesRelatedInstances")
    if not isinstance(obj, Study):
        return None
    if _is_proved(obj):
        return len(obj.all_instances())
    counts = [_announced_by_series(obj), number(obj.data, "NumberOfStudyRelatedInstances")]
    return max((count for count in counts if count is not None), default=None)


def _is_proved(obj: DICOMDownloadable) -> bool:
    """Whether all series of a study are there, and each holds what it counts.

    What the study itself counts may be a value that was stored long ago; some archives return it
    as it is.
    """
    return (
        isinstance(obj, Study)
        and number(obj.data, "NumberOfStudyRelatedSeries") == len(obj.series) > 0
        and all(_announced(series) == len(series.instances) for series in obj.series)
    )


def _contradictions(obj: DICOMDownloadable) -> tuple[str, ...]:
    """What is to be said of a count that was not believed."""
    if not (isinstance(obj, Study) and _is_proved(obj)):
        return ()
    own, held = number(obj.data, "NumberOfStudyRelatedInstances"), len(obj.all_instances())
    if own in (None, held):
        return ()
    return (
        f"study {obj.uid} counts {own} instances, but its series, which are all there, "
        f"count {held}: they were believed",
    )


def _announced_by_series(study: Study) -> int | None:
    counts = [_announced(series) for series in study.series]
    return sum(count or 0 for count in counts) if counts and None not in counts else None


def _announced_for_choice(obj: DICOMDownloadable) -> int | None:
    """As `_announced`, but of the series that the caller chose, if those are not all there are."""
    if isinstance(obj, Study):
        every = number(obj.data, "NumberOfStudyRelatedSeries")
        if every is not None and 0 < len(obj.series) < every:
            return _announced_by_series(obj)
    return _announced(obj)


def _modalities(obj: DICOMDownloadable) -> tuple[tuple[str, str], ...]:
    found = obj.series if isinstance(obj, Study) else (obj,) if isinstance(obj, Series) else ()
    told = ((series.uid, text(series.data, "Modality")) for series in found)
    return tuple((uid, modality) for uid, modality in told if modality)


def _whole(obj: DICOMDownloadable) -> DICOMObjectLevels:
    """Return the level of which *obj* seems to hold everything: its counts do not say otherwise."""
    if isinstance(obj, Study):
        every = number(obj.data, "NumberOfStudyRelatedSeries")
        if every in (None, len(obj.series)) and _announced(obj) in (None, len(obj.all_instances())):
            return DICOMObjectLevels.STUDY
        return min(map(_whole, obj.series), default=DICOMObjectLevels.INSTANCE)
    if isinstance(obj, Series) and _announced(obj) in (None, len(obj.instances)):
        return DICOMObjectLevels.SERIES
    return DICOMObjectLevels.INSTANCE


def _expectations(parts: Iterable[_Part]) -> dict[str, Expectation]:
    by_study: dict[str, list[_Part]] = {}
    for part in parts:
        by_study.setdefault(part.reference.study_uid, []).append(part)
    return {uid: _expectation(group) for uid, group in by_study.items()}


def _expectation(parts: Sequence[_Part]) -> Expectation:
    """Several sources for one study: each branch must reach the larger of its two counts.

    So must the study, of which the archive announces more than all branches together hold.
    """
    named = {ref for part in parts for ref in part.references}
    listed = [part for part in parts if part.references]
    beyond = sum(max(0, (part.announced or 0) - len(part.references)) for part in listed)
    whole = max((part.announced or 0 for part in parts), default=0)
    known = not any(part.failure for part in parts)
    sources = list(unique(part.source for part in parts if part.references))
    if any(part.announced is not None for part in parts):
        sources.append("the archive's own count")
    return Expectation(
        count=max(len(named) + beyond, whole) if known else None,
        source=" and ".join(sources) or "nobody",
        completeness=Completeness.of_all(part.completeness for part in parts),
        reasons=tuple(unique(reason for part in parts for reason in part.reasons)),
    )


def instances(resolution: Resolution) -> tuple[InstanceReference, ...]:
    """Return the references of a resolution down to instances."""
    return to_references(resolution.references, DICOMObjectLevels.INSTANCE)


def unresolved(resolution: Resolution) -> Iterator[Outcome]:
    """Yield an outcome for each thing of which not even the instances are known."""
    for reference, reason in resolution.unresolved.items():
        yield Outcome(reference=reference, status=OutcomeStatus.MISSING, reason=reason)
