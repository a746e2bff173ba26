"""What a downloader is asked for: whole studies and series where they are wanted whole.

One request for a study costs an archive less than one for each of its instances. But only who knows
that everything in it is wanted may ask so: hence trees, down to instances, rather than references.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pydicom.dataset import Dataset

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    Instance,
    InstanceReference,
    Series,
    Study,
    group_by_series,
    put,
    to_references,
)

from .resolution import Resolution

__all__ = ["in_trees", "to_be_asked"]


def to_be_asked(
    resolution: Resolution, there: Collection[DICOMObjectReference | None] = ()
) -> tuple[DICOMDownloadable, ...]:
    """Return every instance of *resolution* but those *there*, once, in trees where that is apt."""
    done = set[DICOMObjectReference | None](there)
    objects: list[DICOMDownloadable] = []
    for branch in resolution.branches:
        references = to_references(branch.references, DICOMObjectLevels.INSTANCE)
        wanted = [ref for ref in references if ref not in done]
        done.update(wanted)
        objects += in_trees(wanted, references, branch.whole)
    return tuple(objects)


def in_trees(
    wanted: Sequence[InstanceReference],
    references: Sequence[InstanceReference],
    whole: DICOMObjectLevels,
) -> Iterator[DICOMDownloadable]:
    """Yield *wanted* as a study, or as series, where all of one is wanted; else one by one.

    *wanted* are among *references*, all of one study, which are everything at the level *whole*.
    """
    if whole is DICOMObjectLevels.INSTANCE or not wanted:
        yield from wanted
    elif whole is DICOMObjectLevels.STUDY and len(wanted) == len(references):
        yield _tree(wanted)
    else:
        known = group_by_series(references)
        for series, members in group_by_series(wanted).items():
            all_of_it = len(members) == len(known[series])
            yield from _tree(members).series if all_of_it else members


def _tree(references: Sequence[InstanceReference]) -> Study:
    """Return the study that *references*, all of one study, are in: it says that they are all."""
    data = Dataset()
    put(data, "NumberOfStudyRelatedInstances", [len(references)])
    return Study(
        references[0].study_uid,
        data,
        [
            Series(series.series_uid, instances=[Instance(ref.instance_uid) for ref in members])
            for series, members in group_by_series(references).items()
        ],
    )
