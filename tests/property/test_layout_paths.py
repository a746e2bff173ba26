"""Laws of paths: always inside, always portable, and different for different instances."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote_plus

from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from gurney.core import InstanceReference, is_uid, put
from gurney.storage import DEFAULT_LAYOUT, FLAT, Layout

HOSTILE = [
    "..",
    ".",
    "/",
    "\\",
    "CON",
    "con",
    "NUL",
    "COM1",
    "lpt9",
    "-",
    "~",
    "%2E",
    "\0",
    " ",
    ":",
]
uids = (
    st.text(st.sampled_from("aAbB1.:\"<>|~+é-_"), min_size=1, max_size=400)
    | st.sampled_from(["..", ".", "CON", "con", "NUL", "COM1", "lpt9", "Com1.dcm", "1" * 300])
    | st.text(min_size=1)
).filter(is_uid)  # fmt: skip
values = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=150), max_size=6).map("".join)
references = st.builds(InstanceReference, uids, uids, uids)

# What every file system takes, and no shell or tool takes for something else.
PORTABLE = re.compile(r"[0-9A-Za-z_%+][0-9A-Za-z_%+.~-]*")

# What Windows takes for a device, whatever the extension.
DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)


def check(path: PurePosixPath) -> None:
    """See that *path* stays where it is put, on any system."""
    assert not path.is_absolute()
    for name in path.parts:
        assert PORTABLE.fullmatch(name)
        assert not name.endswith(".")
        assert len(name) <= 120
        assert not DEVICE.match(name)


@given(references)
def test_paths_of_references_are_portable(reference: InstanceReference) -> None:
    """F01: no UID leads out of the root, or means something to a system."""
    path = DEFAULT_LAYOUT.path_of(reference)

    assert path is not None
    assert 3 == len(path.parts)
    check(path)


@given(values, values, values)
def test_paths_of_values_are_portable(patient: str, description: str, number: str) -> None:
    """F01: no value leads out of the root, or means something to a system."""
    layout = Layout("{PatientID}/{StudyDescription}_{StudyDate}/{StudyID}.dcm")
    dataset = Dataset()
    put(dataset, "PatientID", [patient])
    put(dataset, "StudyDescription", [description])
    put(dataset, "StudyID", [number])
    path = layout.path(dataset)

    assert 3 == len(path.parts)
    check(path)


@given(references, references)
def test_different_instances_have_different_paths(
    one: InstanceReference, other: InstanceReference
) -> None:
    """F05: also where neither case nor the form of accents counts."""
    paths = {
        unicodedata.normalize("NFD", str(DEFAULT_LAYOUT.path_of(reference))).casefold()
        for reference in (one, other)
    }

    assert len({one, other}) == len(paths)


@given(uids)
def test_letters_in_another_case_give_another_path(uid: str) -> None:
    """F05: the worst neighbour of a UID is itself in capitals."""
    variants = {variant for variant in (uid, uid.upper(), uid.lower()) if is_uid(variant)}
    paths = {str(FLAT.path_of(InstanceReference("1", "1", v))).casefold() for v in variants}

    assert len(variants) == len(paths)


@given(values.map(lambda value: value.replace("\\", "")))
def test_names_can_be_read_back(value: str) -> None:
    """A name that was not shortened is its value, encoded as in a URL."""
    dataset = Dataset()
    put(dataset, "PatientID", [value])
    name = Layout("{PatientID}").path(dataset).name
    expected = value.strip(" \0")

    if "~" not in name:
        assert (expected or "no-PatientID") == unquote_plus(name, errors="surrogatepass")


@given(references, uids)
def test_second_names_differ_from_all_first_ones(reference: InstanceReference, uid: str) -> None:
    """An instance that finds its name taken never takes a third one's."""
    first = FLAT.path_of(reference)
    other = FLAT.path_of(InstanceReference("1", "1", uid))

    assert first is not None
    assert other is not None
    assert FLAT.second(first, reference.instance_uid) not in {first, other}
