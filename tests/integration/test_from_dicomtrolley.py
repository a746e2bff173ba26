"""Each example of the page for those who come from dicomtrolley runs, and both halves agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer
from gurney.testing.dimse import DIMSEServer
from gurney.testing.legacy import LegacyServer

PAGE: Final = Path(__file__).parents[2] / "docs" / "from-dicomtrolley.md"
SECTION: Final = re.compile(
    r"^## (.+?)\n.*?```python dicomtrolley\n(.*?)```.*?```python gurney\n(.*?)```",
    re.MULTILINE | re.DOTALL,
)
SECTIONS: Final = SECTION.findall(PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, str]]:
    """Whom the page calls what."""
    datasets = example_datasets()
    with (
        DICOMwebServer(datasets) as web,
        DIMSEServer(datasets, ae_title="ARCHIVE") as dimse,
        LegacyServer(datasets) as legacy,
    ):
        yield {
            "https://server/mint": legacy.mint,
            "https://server/rad69": legacy.rad69,
            "https://server/dicom-web": web.url,
            '"dicom-host"': '"127.0.0.1"',
            "port=104": f"port={dimse.port}",
            ", 104,": f", {dimse.port},",
        }


def test_page_has_no_half_sections() -> None:
    """Each heading but the last has both halves, and every block of code is in one."""
    text = PAGE.read_text("utf-8")

    assert len(SECTIONS) + 1 == text.count("\n## ") > 10
    assert 2 * len(SECTIONS) == text.count("```python ") == text.count("```") // 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what dicomtrolley does
def test_both_halves_agree(places: dict[str, str], tmp_path: Path) -> None:
    """One after the other, as one reads: the same studies are found, the same instances come."""
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for heading, there, here in SECTIONS:
        for code, names, half in ((there, theirs, "theirs"), (here, ours, "ours")):
            folder = tmp_path / half
            folder.mkdir(exist_ok=True)
            exec(compile(_placed(code, places, folder), heading, "exec"), names)

        assert _uids(theirs["studies"]) == _uids(ours["studies"]) != [], heading
        assert _files(tmp_path / "theirs") == _files(tmp_path / "ours"), heading
    assert _instances(theirs["datasets"]) == _instances(ours["datasets"])
    assert (theirs["rows"], len(theirs["children"])) == (ours["rows"], len(ours["children"]))
    assert theirs["study"].uid == ours["study"].uid
    assert len(_files(tmp_path / "ours")) > 5


def _placed(code: str, places: dict[str, str], folder: Path) -> str:
    for name, place in places.items():
        code = code.replace(name, place)
    return code.replace("/tmp/", f"{folder}/")


def _uids(studies: Any) -> list[str]:
    return sorted(study.uid for study in studies)


def _instances(datasets: Any) -> list[str]:
    return sorted(str(dataset.SOPInstanceUID) for dataset in datasets)


def _files(root: Path) -> dict[str, int]:
    """How many files lie under each folder that the page names."""
    return {
        folder.name: sum(path.is_file() for path in folder.rglob("*") if _is_instance(path))
        for folder in root.iterdir()
    }


def _is_instance(path: Path) -> bool:
    return path.suffix in (".dcm", "") or path.name[0].isdigit()
