"""Data sets from DICOM JSON convert when touched, and are else as any other."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from io import BytesIO

import pytest
from pydicom import Dataset, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.tag import BaseTag, Tag

from gurney.core import subset
from gurney.dicomweb.dicomjson import parse
from gurney.searching.elements import Reading, element


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[BaseTag]:
    """Return what will hold the tags of elements converted from now on."""
    tags: list[BaseTag] = []

    def spy(tag: BaseTag, read: Reading) -> DataElement:
        tags.append(tag)
        return element(tag, read)

    monkeypatch.setattr("gurney.searching.elements.element", spy)
    return tags


def test_elements_are_converted_when_touched_and_once(made: list[BaseTag]) -> None:
    """Asking which there are touches none."""
    dataset = lazy()

    assert "PatientID" in dataset
    assert "Modality" not in dataset
    assert 7 == len(dataset)
    assert 7 == len(list(dataset.keys()))
    assert [] == made
    assert "7" == dataset.PatientID == dataset["PatientID"].value
    assert dataset["PatientID"] is dataset["PatientID"]
    assert [Tag("PatientID")] == made


def test_items_of_sequences_are_converted_when_touched(made: list[BaseTag]) -> None:
    """A sequence that is counted is not read."""
    dataset = lazy()

    assert 1 == len(dataset.ProcedureCodeSequence)
    assert [] == made
    assert "T-1" == dataset.ProcedureCodeSequence[0].CodeValue
    assert [Tag("CodeValue")] == made


def plain() -> Dataset:
    """Return what `lazy` returns, made by hand."""
    code = Dataset()
    code.CodeValue = "T-1"
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "Müller^A"
    dataset.PatientID = "7"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.SeriesNumber = 3
    dataset.Rows = 512
    dataset.ProcedureCodeSequence = [code]
    return dataset


def lazy() -> Dataset:
    """Return a data set that comes from JSON, untouched."""
    (item,) = parse(json.dumps([plain().to_json_dict()]).encode())
    return item.dataset()


LOOKS: dict[str, Callable[[Dataset], object]] = {
    "iterate": lambda ds: [(element.tag, element.VR, element.value) for element in ds],
    "elements": lambda ds: sorted((el.tag, str(el.value)) for el in ds.elements()),
    "tags": lambda ds: sorted(ds.keys()),
    "values": lambda ds: sorted(str(element.value) for element in ds.values()),
    "items": lambda ds: sorted((tag, str(element.value)) for tag, element in ds.items()),
    "dir": lambda ds: ds.dir(),
    "in": lambda ds: ["PatientID" in ds, 0x00100020 in ds, (0x10, 0x20) in ds, "Modality" in ds],
    "get": lambda ds: [ds.get("PatientID"), ds.get("Modality", "?"), ds.get(0x00100020).value],
    "get_item": lambda ds: ds.get_item("PatientID").value,
    "str": str,
    "json": lambda ds: ds.to_json(),
    "len": len,
    "slice": lambda ds: str(ds[0x00100000:0x00110000]),
    "group": lambda ds: str(ds.group_dataset(0x0010)),
    "walk": lambda ds: [str(value) for value in walked(ds)],
    "subset": lambda ds: str(subset(ds, lambda tag: tag == 0x00100020)),
    "copy": lambda ds: str(copy.copy(ds)),
    "deepcopy": lambda ds: str(copy.deepcopy(ds)),
    "pickle": lambda ds: str(sent(ds)),
    "write": lambda ds: written(ds).getvalue(),
    "of another": lambda ds: str(Dataset(ds)),
    "formatted": lambda ds: list(ds.formatted_lines()),
    "pop": lambda ds: ds.pop("PatientID").value,
    "pop nothing": lambda ds: ds.pop("Modality", None),
    "popitem": lambda ds: str(ds.popitem()[1]),
    "setdefault": lambda ds: str(ds.setdefault("PatientID", "8")),
}
CHANGES: dict[str, Callable[[Dataset], object]] = {
    "delete": lambda ds: ds.__delitem__("PatientID"),
    "delete by name": lambda ds: ds.__delattr__("PatientID"),
    "delete a slice": lambda ds: ds.__delitem__(slice(0x00100000, 0x00110000)),
    "pop": lambda ds: ds.pop("PatientID"),
    "pop nothing": lambda ds: ds.pop("Modality", None),
    "popitem": lambda ds: ds.popitem(),
    "clear": lambda ds: ds.clear(),
    "set": lambda ds: setattr(ds, "PatientID", "8"),
    "set new": lambda ds: setattr(ds, "Modality", "CT"),
    "set an element": lambda ds: ds.add(DataElement(0x00100020, "LO", "9")),
    "change an element": lambda ds: setattr(ds["PatientID"], "value", "8"),
    "setdefault": lambda ds: ds.setdefault("Modality", "CT"),
    "update": lambda ds: ds.update(Dataset({Tag(0x00100020): DataElement(0x00100020, "LO", "9")})),
    "remove private": lambda ds: ds.remove_private_tags(),
    "decode": lambda ds: ds.decode(),
}


def walked(dataset: Dataset) -> list[object]:
    found: list[object] = []
    dataset.walk(lambda _, element: found.append(element.value))
    return found


def written(dataset: Dataset) -> BytesIO:
    file = BytesIO()
    dcmwrite(file, dataset, implicit_vr=False, little_endian=True)
    return file


def sent(dataset: Dataset) -> Dataset:
    there: Dataset = pickle.loads(pickle.dumps(dataset))
    return there


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_lazy_data_set_looks_like_a_plain_one(look: Callable[[Dataset], object]) -> None:
    """Whatever is looked at first."""
    assert type(lazy()) is Dataset
    assert look(plain()) == look(lazy())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_lazy_data_set_changes_as_a_plain_one(change: Callable[[Dataset], object]) -> None:
    """Whatever is changed, touched before or not."""
    ours, theirs = lazy(), plain()
    change(ours)
    change(theirs)

    assert str(theirs) == str(ours)
    assert theirs == ours


def test_what_is_not_there_is_a_key_error() -> None:
    """As for a plain one, emptied or not."""
    dataset = lazy()
    with pytest.raises(KeyError):
        dataset["Modality"]
    dataset.clear()
    with pytest.raises(KeyError):
        dataset.popitem()


def test_lazy_data_sets_are_equal_to_plain_ones() -> None:
    """From either side; a change makes them differ."""
    other = lazy()
    other.PatientID = "8"

    assert plain() == lazy()
    assert lazy() == plain()
    assert lazy() == lazy()
    assert lazy() != other


@pytest.mark.parametrize("through", [copy.deepcopy, sent])
def test_copies_are_plain_and_their_own(through: Callable[[Dataset], Dataset]) -> None:
    """Nothing of ours travels, so it can be read where gurney is not."""
    original = lazy()
    other = through(original)
    other.ProcedureCodeSequence[0].CodeValue = "changed"

    assert type(other.__dict__["_dict"]) is dict
    assert b"gurney" not in pickle.dumps(original)
    assert plain() == original
