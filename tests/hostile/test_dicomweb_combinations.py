"""Archives with several faults at once: a result that says it is complete holds everything."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

import pytest
from pydicom.dataset import Dataset
from tests.hostile.examples import found

from gurney.core import DICOMObjectLevels, GurneyError, QueryLevels, put, text
from gurney.dicomweb import DICOMwebQuery, QidoRS
from gurney.http import Retries, Timeouts, Transport
from gurney.testing.dicomweb import FAULTS, DICOMwebServer
from gurney.testing.making import MadeSeries, made

# Those that wait, or that are about logging in, are no matter of what is found
_FAULTS: Final = tuple(name for name in FAULTS if name < "R" and name not in ("Q25", "Q29", "Q30"))
_CUTTING: Final = ("Q06", "Q07", "Q08", "Q08", "Q09", "Q10", "Q11", "Q12", "Q14", "Q22", "Q33")
_QUERIES: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"PatientName": "*"},
    {"PatientName": "A*"},
    {"min_study_date": "20150101"},
    {"min_study_date": "20100101", "max_study_date": "20291231"},
    {"ModalitiesInStudy": "MR"},
    {"PatientID": "P1"},
    {"AccessionNumber": "X1"},
)
_LEVELS: Final = tuple(QueryLevels)
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def world(random: Random) -> list[Dataset]:
    """Return up to 20 studies: some, all or none without a date, or all of one day."""
    undated, one_day = random.choice([0.0, 0.0, 0.3, 1.0]), random.random() < 0.3
    return [
        dataset
        for number in range(random.choice([3, 7, 12, 20]))
        for dataset in study(random, number, one_day, random.random() < undated)
    ]


def study(random: Random, number: int, one_day: bool, undated: bool) -> list[Dataset]:
    """Return the instances of one study."""
    day = 20200101 if one_day else random.randrange(2010, 2025) * 10000 + 101 + number
    series = [MadeSeries(random.choice(["CT", "MR"]), random.choice([1, 2]), size=4)]
    values = {
        "PatientName": f"{random.choice('AB')}^{number}",
        "PatientID": f"P{number}",
        "AccessionNumber": "X1",
        "StudyDate": str(day),
        "StudyTime": random.choice(["", "0800", "120000"]),
    }
    datasets = made(f"1.2.{number + 1}", values, *series * random.choice([1, 2]))
    for dataset in datasets:
        if undated:
            del dataset.StudyDate
    return list(datasets)


def expected(datasets: list[Dataset], query: Mapping[str, Any], depth: int) -> set[tuple[str, ...]]:
    """Return the UIDs, down to *depth*, of what matches."""
    with_mr = {text(one, "StudyInstanceUID") for one in datasets if one.Modality == "MR"}
    return {
        tuple(text(one, keyword) for keyword in _UIDS[:depth])
        for one in datasets
        if _matches(one, query, with_mr)
    }


def _matches(one: Dataset, query: Mapping[str, Any], with_mr: set[str]) -> bool:
    date = text(one, "StudyDate")
    return (
        ("min_study_date" not in query or date >= query["min_study_date"])
        and ("max_study_date" not in query or "" < date <= query["max_study_date"])
        and ("ModalitiesInStudy" not in query or text(one, "StudyInstanceUID") in with_mr)
        and (query.get("PatientName") != "A*" or text(one, "PatientName").startswith("A"))
        and text(one, "PatientID") == query.get("PatientID", text(one, "PatientID"))
    )


@pytest.mark.parametrize("seed", range(120))
def test_complete_is_never_said_in_vain(seed: int) -> None:
    """Up to three faults, small pages, any query at any level: COMPLETE means all, and no more.

    One thing cannot be seen: a cut in silence, beyond which nothing has a date.
    """
    random = Random(seed)
    datasets, query, level = world(random), random.choice(_QUERIES), random.choice(_LEVELS)
    faults = list(
        {random.choice(_CUTTING): None, **dict.fromkeys(random.sample(_FAULTS, seed % 3))}
    )
    depth = 3 - DICOMObjectLevels.from_query_level(level)
    page_size, relational = random.choice([3, 5000]), random.random() < 0.25
    with DICOMwebServer(datasets, faults, page=random.choice([2, 3, 5, 6])) as server:
        line = Transport(
            server.url,
            timeouts=Timeouts(connect=5, first_byte=5, idle=5),
            retries=Retries(attempts=2, sleep=lambda _: None),
        )
        qido = QidoRS(line, page_size=page_size, relational=relational)
        try:
            result = qido.find_studies(DICOMwebQuery(**query, query_level=level))
        except GurneyError:
            return  # as loud as can be

    wanted, got = expected(datasets, query, depth), found(result, depth)
    dated = {(text(one, "StudyInstanceUID"),) for one in datasets if "StudyDate" in one}
    unseen = {uids for uids in wanted - got if uids[:1] not in dated}
    assert not result.complete or wanted == got | unseen, (faults, query, level, result)


def test_the_worlds_differ() -> None:
    """What is tried holds undated studies, and several series and instances."""
    worlds = [world(Random(seed)) for seed in range(20)]

    assert any("StudyDate" not in one for made_ in worlds for one in made_)
    assert any(len({text(one, "SeriesInstanceUID") for one in made_}) > 12 for made_ in worlds)
    put(worlds[0][0], "PatientID", ["changed"])
    assert world(Random(0)) != worlds[0]
