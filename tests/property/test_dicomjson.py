"""Laws of reading DICOM JSON: what pydicom writes comes back, and nothing breaks on the rest."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydicom import config
from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from gurney.core import BudgetExceededError, ProtocolViolationError, texts
from gurney.dicomweb.dicomjson import JSONItem, JSONLimits, LeftOut, Reading, left_out, parse

CREATOR = BaseTag(0x00090010)

# ---------------------------------------------------------------- data sets of all VRs

plain = st.text(st.characters(exclude_characters="\\=^", exclude_categories=["Cs"]), max_size=12)
names = st.lists(plain.filter(bool), min_size=1, max_size=3).map("=".join)
whole = {"US": (0, 2**16), "SS": (-(2**15), 2**15), "UL": (0, 2**32), "SL": (-(2**31), 2**31)}
whole |= {"IS": (-(2**31), 2**31), "SV": (-(2**63), 2**63), "UV": (0, 2**64), "AT": (0, 2**32)}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys("AE AS CS DA DT LO SH TM UC".split(), plain),
    **dict.fromkeys("LT ST UR UT".split(), plain),
    **{vr: st.integers(low, high - 1) for vr, (low, high) in whole.items()},
    **dict.fromkeys(("FD", "DS"), st.floats(allow_nan=False, allow_infinity=False)),
    "FL": st.floats(width=32, allow_nan=False),
    "PN": names,
    "UI": st.text("0123456789.", min_size=1, max_size=64),
    **dict.fromkeys("OB OD OF OL OV OW UN".split(), st.binary(min_size=1, max_size=20)),
}
SINGLE = frozenset("LT ST UR UT OB OD OF OL OV OW UN".split())


@st.composite
def values(draw: st.DrawFn, vr: str) -> object:
    """A value of *vr*, several where that may be, or none."""
    few = draw(st.lists(VALUES[vr], max_size=1 if vr in SINGLE else 3))
    if not any(value != "" for value in few):
        return empty_value_for_VR(vr)
    return few[0] if len(few) == 1 else few


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 2) -> Dataset:
    """A data set with elements of any VR, private ones, since those may have any."""
    dataset = Dataset()
    dataset.add(DataElement(CREATOR, "LO", "ACME"))
    vrs = [*VALUES, "SQ"] if depth else [*VALUES]
    kinds = draw(st.lists(st.sampled_from(vrs), max_size=8))
    for number, vr in enumerate(kinds):
        tag = BaseTag(0x00091000 + number)
        inner = st.lists(data_sets(depth - 1), max_size=2)
        value = draw(inner if vr == "SQ" else values(vr))
        dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))
    return dataset


def items_of(*datasets: Dataset) -> list[JSONItem]:
    """Return what comes of *datasets* when pydicom writes them."""
    return list(parse(json.dumps([dataset.to_json_dict() for dataset in datasets]).encode()))


def in_utf8(dataset: Dataset) -> Dataset:
    """Return what to expect of *dataset*: what is in JSON has this character set."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    return dataset


@given(data_sets())
def test_what_pydicom_writes_comes_back(dataset: Dataset) -> None:
    """Same elements, same values, nothing left out."""
    (item,) = items_of(dataset)
    found = item.dataset()

    assert in_utf8(dataset) == found
    assert dataset.to_json_dict() == found.to_json_dict()
    assert {} == left_out(found)


@given(data_sets())
def test_parts_are_the_whole(dataset: Dataset) -> None:
    """What is made later, of some tags and of the others, is what is made at once."""
    (item,) = items_of(dataset)
    odd = item.part(lambda tag: tag % 2 == 1)()
    even = item.part(lambda tag: tag % 2 == 0)()
    odd.update(even)

    assert item.dataset() == odd


@given(data_sets(), st.randoms(use_true_random=False))
def test_order_of_touching_changes_nothing(dataset: Dataset, chance: random.Random) -> None:
    """A data set is the same, touched or not, and travels the same."""
    (item,) = items_of(dataset)
    touched, fresh = item.dataset(), item.dataset()
    tags = list(touched.keys())
    for tag in chance.sample(tags, chance.randint(0, len(tags))):
        assert touched[tag] == touched[tag]

    assert touched == fresh
    assert list(touched.keys()) == list(fresh.keys())
    assert touched == pickle.loads(pickle.dumps(touched)) == pickle.loads(pickle.dumps(fresh))


# ---------------------------------------------------------------- JSON of all kinds

KEYWORDS = ["PatientName", "PatientID", "StudyInstanceUID", "InstanceNumber", "PatientWeight"]
STRINGS = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
members = st.sampled_from(
    ["vr", "Value", "InlineBinary", "BulkDataURI", "Alphabetic", "Ideographic", "Phonetic"]
)
attribute_names = st.sampled_from(
    [*KEYWORDS, "0020000d", "0020000D", "00100010", "00280106", "00091001", "00090010", "7fe00010"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", " ", "AQID", "1.2", "1e400", "0020000D", "A\\B", "OB or OW", "UN"]),
    st.sampled_from([*VALUES, "SQ"]),
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(members | attribute_names | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "vr": st.sampled_from([*VALUES, "SQ"]) | scalars,
        "Value": st.lists(scalars, max_size=3) | anything,
        "InlineBinary": scalars,
        "BulkDataURI": scalars,
    },
)
objects = st.dictionaries(attribute_names | st.text(max_size=4), attributes | anything, max_size=4)


def touch(dataset: Dataset) -> None:
    """Read everything there is."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                touch(item)
        assert str(element.value) is not None
    assert all(out.reason for out in left_out(dataset).values())


@given(st.lists(objects, max_size=3), st.integers(0, 3))
def test_no_json_is_too_odd(written: Sequence[object], depth: int) -> None:
    """Every object is an item, every item a data set, and all of it can be read."""
    content = json.dumps(written).encode()
    items = list(parse(content, JSONLimits(depth=depth)))

    assert len(written) == len(items)
    for item in items:
        touch(item.dataset())
        assert str(item.dataset()) == str(item.part(lambda _: True)())  # a NaN equals nothing
        assert pickle.dumps(item.dataset())


@given(objects)
def test_attributes_are_in_the_data_set_or_left_out(written: dict[str, object]) -> None:
    """One of them, unless they are absent."""
    (item,) = parse(json.dumps([written]).encode())
    dataset = item.dataset()

    for keyword in KEYWORDS:
        read = item.reading(keyword)
        assert isinstance(read, Reading) == (keyword in dataset)
        assert isinstance(read, LeftOut) == (Tag(keyword) in left_out(dataset))


@given(objects)
def test_items_read_as_their_data_sets(written: dict[str, object]) -> None:
    """Text of an item, by the short way and the long one, is that of the data set."""
    (item,) = parse(json.dumps([written]).encode())
    dataset = item.dataset()

    for keyword in KEYWORDS:
        read = item.reading(keyword)
        if isinstance(read, Reading) and read.vr in STRINGS:
            assert texts(dataset, keyword) == item.texts(keyword)
            assert next(iter(item.texts(keyword)), "") == item.text(keyword)


@given(st.lists(objects, min_size=1, max_size=2), st.data())
def test_bytes_that_are_changed_are_read_or_refused(
    written: Sequence[object], data: st.DataObject
) -> None:
    """No other error comes out than those documented."""
    content = bytearray(json.dumps(written).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        content = content or bytearray(b"[")
    try:
        for item in parse(bytes(content)):
            touch(item.dataset())
    except (ProtocolViolationError, BudgetExceededError):
        pass


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """As above."""
    try:
        for item in parse(content):
            touch(item.dataset())
    except (ProtocolViolationError, BudgetExceededError):
        pass
