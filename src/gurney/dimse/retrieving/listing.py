"""What an archive says there is in a study or series: what a retrieval of it has to reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from ...core import (
    AuthenticationError,
    Completeness,
    DICOMObjectReference,
    GurneyError,
    InstanceReference,
    Query,
    QueryLevels,
    Searcher,
    SearchResult,
    Study,
    StudyReference,
    completeness_of,
    texts,
    to_instance_refs,
)

__all__ = ["Listed", "classes_in", "list_instances"]

_FIELDS: Final = ("SOPClassUID",)


@attrs.frozen
class Listed:
    """The instances in a study or series.

    Attributes
    ----------
    references
        The instances.
    studies
        The same as trees, with their SOP classes, if the archive tells them.
    doubt
        Why they may not be all; empty if they are.
    """

    references: tuple[InstanceReference, ...] = ()
    studies: tuple[Study, ...] = ()
    doubt: str = ""


def list_instances(searcher: Searcher, reference: DICOMObjectReference) -> Listed:
    """Return what *searcher* finds in a study or series.

    Raises
    ------
    AuthenticationError
        If the archive wants to know who asks. Any other failure is a doubt.
    """
    series_uid = "" if isinstance(reference, StudyReference) else reference.series_uid
    try:
        query = Query(
            StudyInstanceUID=reference.study_uid,
            SeriesInstanceUID=series_uid,
            query_level=QueryLevels.INSTANCE,
            include_fields=_FIELDS,
        )
        found = searcher.find_studies(query)
        references = to_instance_refs(found)
    except AuthenticationError:
        raise
    except GurneyError as error:
        return Listed(doubt=f"it cannot be listed: {error}")
    return Listed(references, tuple(found), _doubt(found))


def classes_in(searcher: Searcher, study_uid: str) -> frozenset[str]:
    """Return the SOP classes that a study holds, as *searcher* finds; empty if it does not tell.

    Raises
    ------
    AuthenticationError
        If the archive wants to know who asks.
    """
    try:
        query = Query(StudyInstanceUID=study_uid, include_fields=("SOPClassesInStudy",))
        found = searcher.find_studies(query)
    except AuthenticationError:
        raise
    except GurneyError:
        return frozenset()  # whoever lists the instances next says why
    return frozenset(uid for study in found for uid in texts(study.data, "SOPClassesInStudy"))


def _doubt(found: Sequence[Study]) -> str:
    if completeness_of(found) is Completeness.COMPLETE:
        return ""
    reasons = "; ".join(found.reasons) if isinstance(found, SearchResult) else ""
    return f"nobody can say whether its listing is all: {reasons or 'the searcher does not say'}"
