"""A handful of made-up studies, for examples and first tests."""

from __future__ import annotations

from pydicom.dataset import Dataset

from .making import MadeSeries, made

__all__ = ["example_datasets"]

_MUELLER = {
    "PatientName": "Müller^Jürgen",
    "PatientID": "EX-1",
    "PatientSex": "M",
    "PatientBirthDate": "19600229",
}
_DOE = {
    "PatientName": "Doe^Jane",
    "PatientID": "EX-2",
    "PatientSex": "F",
    "PatientBirthDate": "19850704",
}
_YAMADA = {
    "PatientName": "Yamada^Tarou=山田^太郎",
    "PatientID": "EX-3",
    "PatientSex": "M",
    "PatientBirthDate": "19720315",
}


def example_datasets() -> list[Dataset]:
    """Return 8 instances: 3 patients, 4 studies, 5 series. The same ones at every call.

    =========  ==========================  ===========  ==============================
    StudyDate  Patient                     Description  Series
    =========  ==========================  ===========  ==============================
    20240115   Müller, EX-1                Thorax       a CT of 2
    20240302   Müller, EX-1                Head         an MR of 2, and an MR of 1
    20240302   Doe, EX-2                   Abdomen      a US of 1
    20250630   Yamada, EX-3                Hand         a CR of 2
    =========  ==========================  ===========  ==============================

    Examples
    --------
    >>> len(example_datasets())
    8
    """
    return [
        *_study("2.25.4001", _MUELLER, "20240115", "Thorax", MadeSeries("CT", 2)),
        *_study(
            "2.25.4002", _MUELLER, "20240302", "Head", MadeSeries("MR", 2), MadeSeries("MR", 1)
        ),
        *_study("2.25.4003", _DOE, "20240302", "Abdomen", MadeSeries("US", 1)),
        *_study("2.25.4004", _YAMADA, "20250630", "Hand", MadeSeries("CR", 2)),
    ]


def _study(
    uid: str, patient: dict[str, str], date: str, description: str, *series: MadeSeries
) -> list[Dataset]:
    values = {
        "StudyDate": date,
        "StudyTime": "0915",
        "StudyDescription": description,
        "AccessionNumber": f"EX-A{uid[-1]}",
    }
    return made(uid, {**patient, **values}, *series)
