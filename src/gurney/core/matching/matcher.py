"""Does a data set match a query? Attribute matching (PS3.4 C.2.2.2), as a pure function.

Archives ignore keys they do not support, and say so rarely. So each answer is checked here, and
a folder of files is searched by the same rules::

    matcher(query) ──▶ match(dataset) ──▶ Matches: one Match for each key of the query
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias, cast

import attrs
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from ..errors import QueryError
from ..query import Query
from ..values import items, stored
from .keys import EMPTY, UNIVERSAL, ValueTest, value_test

__all__ = ["Match", "Matches", "matcher", "matches"]


class Match(Enum):
    """What a data set says about one key of a query."""

    MATCHED = "matched"
    NOT_MATCHED = "not matched"
    UNVERIFIED = "unverified"
    """The attribute is absent, damaged, or not precise enough to tell."""


@attrs.frozen(eq=False)
class Matches(Mapping[str, Match]):
    """What a data set says about each key of a query, by keyword, in the order of the query.

    Equal to any mapping with the same answers. It holds no value of the query or the data set.

    Examples
    --------
    >>> report = Matches((("PatientID", Match.MATCHED), ("Modality", Match.UNVERIFIED)))
    >>> report["PatientID"], report.matched, report.unverified
    (<Match.MATCHED: 'matched'>, True, ('Modality',))
    """

    answers: tuple[tuple[str, Match], ...] = ()

    @property
    def matched(self) -> bool:
        """Whether no key speaks against the data set; some may be unverified."""
        return all(answer is not Match.NOT_MATCHED for _, answer in self.answers)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The keywords that speak against the data set."""
        return tuple(keyword for keyword, answer in self.answers if answer is Match.NOT_MATCHED)

    @property
    def unverified(self) -> tuple[str, ...]:
        """The keywords of which the data set says nothing certain."""
        return tuple(keyword for keyword, answer in self.answers if answer is Match.UNVERIFIED)

    def __getitem__(self, keyword: str) -> Match:
        for known, answer in self.answers:
            if known == keyword:
                return answer
        raise KeyError(keyword)

    def __iter__(self) -> Iterator[str]:
        return (keyword for keyword, _ in self.answers)

    def __len__(self) -> int:
        return len(self.answers)


def matches(query: Query | Dataset, dataset: Dataset) -> Matches:
    """Compare *dataset* with *query*, key by key.

    For many data sets, compile the query once with `matcher`, which has the rules.

    Examples
    --------
    >>> dataset = Dataset()
    >>> dataset.PatientName = "DOE^JOHN^A"
    >>> report = matches(Query(PatientName="doe^john*", PatientID="7"), dataset)
    >>> report.matched, report.unverified
    (True, ('PatientID',))
    """
    return matcher(query)(dataset)


def matcher(query: Query | Dataset) -> Callable[[Dataset], Matches]:
    r"""Compile *query* into a function that compares data sets with it.

    Parameters
    ----------
    query
        A query, or its keys as a data set: the identifier of a C-FIND request. Attributes that
        are part of an identifier but no keys (SpecificCharacterSet, QueryRetrieveLevel, ...) are
        passed over.

    Returns
    -------
    Callable
        It answers, never raises, and leaves nothing behind. For each key:

        - UNVERIFIED if the attribute is absent.
        - A key that is empty, or ``*``, matches everything, an absent attribute too.
        - A key ``""`` (two quotes) matches an attribute that is present and empty.
        - Several values in the key, or in the attribute: one that matches is enough.
        - Text is compared without leading and trailing spaces; ``*`` and ``?`` are wildcards in
          AE CS LO LT PN SH ST UC UR UT.
        - PN by component, ignoring case, accents and width; a key of one group matches any of
          the alphabetic, ideographic and phonetic groups, of several each its own.
        - UI exactly; numbers by value.
        - DA, TM, DT as intervals of their precision: UNVERIFIED if the attribute's lies partly
          within the key's, or is no date or time. Date and time are matched independently.
        - SQ: some one item has to match all keys of the key's only item.
        - Text that does not match, but is evidently damaged, is UNVERIFIED.

    Raises
    ------
    QueryError
        If a key is not legal for its VR, or its VR cannot be matched. It names the keyword.

    References
    ----------
    DICOM PS3.4 C.2.2.2, Attribute Matching; PS3.5 6.2, Value Representation.

    Examples
    --------
    >>> match = matcher(Query(min_study_date="20240101", max_study_date="20240131"))
    >>> dataset = Dataset()
    >>> dataset.StudyDate = "20240115"
    >>> match(dataset)["StudyDate"]
    <Match.MATCHED: 'matched'>
    """
    identifier = query.identifier() if isinstance(query, Query) else query
    keys = _compile(identifier)

    def match(dataset: Dataset) -> Matches:
        return Matches(tuple([(keyword, test(dataset)) for keyword, test in keys]))

    return match


_Test: TypeAlias = Callable[[Dataset], Match]
"""Says what a data set says about one key."""

_NO_KEYS: Final = frozenset({0x00080005, 0x00080052, 0x00080053})
"""SpecificCharacterSet, QueryRetrieveLevel, QueryRetrieveView: they say how to read the others."""

_SHIFTS_TIMES: Final = 0x00080201  # TimezoneOffsetFromUTC


def _compile(identifier: Dataset) -> tuple[tuple[str, _Test], ...]:
    tags = identifier.keys()  # not the elements: pydicom reads those, and may raise
    keys = [_key(identifier, tag) for tag in tags if tag not in _NO_KEYS and tag.element != 0]
    return tuple([(_name(key.tag), _test(key)) for key in keys])


def _key(identifier: Dataset, tag: BaseTag) -> DataElement:
    try:
        return identifier[tag]
    except Exception:  # noqa: BLE001  pydicom raises many classes, and quotes the value in them
        raise QueryError(f"{_name(tag)} as a key cannot be read; set it anew") from None


def _name(tag: BaseTag) -> str:
    return keyword_for_tag(tag) or str(tag)


def _test(key: DataElement) -> _Test:
    test = _sequence_test(key) if key.VR == "SQ" else _attribute_test(key)
    if test is not _universal and (key.tag.is_private or key.tag == _SHIFTS_TIMES):
        # A private tag may be another creator's elsewhere; an offset changes all dates and times.
        raise QueryError(f"{_name(key.tag)} as a key cannot be checked here; leave it empty")
    return test


def _attribute_test(key: DataElement) -> _Test:
    try:
        test = value_test(key)
    except ValueError as error:
        raise QueryError(f"{_name(key.tag)} cannot be matched: {error}") from None
    if test is UNIVERSAL:
        return _universal
    return _presence_test(key.tag) if test is EMPTY else _any_value_test(key.tag, test)


def _universal(_: Dataset) -> Match:
    return Match.MATCHED


def _presence_test(tag: BaseTag) -> _Test:
    def test(dataset: Dataset) -> Match:
        found = stored(dataset, tag)
        if found is None:
            return Match.UNVERIFIED
        return Match.NOT_MATCHED if found else Match.MATCHED

    return test


def _any_value_test(tag: BaseTag, test_value: ValueTest) -> _Test:
    def test(dataset: Dataset) -> Match:
        found = stored(dataset, tag)
        if found is None:
            return Match.UNVERIFIED
        answer = Match.NOT_MATCHED
        for value in found:
            matched = test_value(value)
            if matched:
                return Match.MATCHED
            if matched is None:
                answer = Match.UNVERIFIED
        return answer

    return test


def _sequence_test(key: DataElement) -> _Test:
    wanted = cast("Sequence[Dataset]", key.value)
    if len(wanted) > 1:
        raise QueryError(f"{_name(key.tag)} must have one item, as a key (PS3.4 C.2.2.2.6)")
    tests = [test for _, test in _compile(wanted[0])] if wanted else []
    tests = [test for test in tests if test is not _universal]
    if not tests:
        return _universal

    def test(dataset: Dataset) -> Match:
        found = items(dataset, key.tag)
        if found is None:
            return Match.UNVERIFIED
        return _best([_worst([test(item) for test in tests]) for item in found])

    return test


def _best(answers: Sequence[Match]) -> Match:
    by_rank = (Match.MATCHED, Match.UNVERIFIED, Match.NOT_MATCHED)
    return next((answer for answer in by_rank if answer in answers), Match.NOT_MATCHED)


def _worst(answers: Sequence[Match]) -> Match:
    by_rank = (Match.NOT_MATCHED, Match.UNVERIFIED, Match.MATCHED)
    return next((answer for answer in by_rank if answer in answers), Match.MATCHED)
