"""Objects whose data are made when somebody looks, and items that are no data sets."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import attrs
import pytest
from pydicom import Dataset

from gurney.core import Assembler, DICOMObjectLevels, Instance, Series, Study, assemble

INSTANCE, STUDY = DICOMObjectLevels.INSTANCE, DICOMObjectLevels.STUDY


def named(modality: str) -> Dataset:
    """Return a data set that can be told from another."""
    dataset = Dataset()
    dataset.Modality = modality
    return dataset


@pytest.mark.parametrize("build", [Study, Series, Instance])
def test_function_is_called_when_data_are_looked_at(build: Any) -> None:
    """Once, and not for anything else."""
    calls: list[Dataset] = []

    def make() -> Dataset:
        calls.append(named("CT"))
        return calls[-1]

    thing = build("1", make)

    assert thing == build("1")
    assert "1" in repr(thing)
    assert [] == calls
    assert "CT" == thing.data.Modality
    assert thing.data is thing.data
    assert 1 == len(calls)


def test_failing_function_is_asked_again() -> None:
    """Its error is the caller's; what it returns later counts."""
    answers = iter([named("CT")])
    failures = iter([OSError("gone")])

    def make() -> Dataset:
        for failure in failures:
            raise failure
        return next(answers)

    instance = Instance("1", make)

    with pytest.raises(OSError, match="gone"):
        instance.data  # noqa: B018  looking is what fails
    assert "CT" == instance.data.Modality


def test_threads_see_one_data_set_though_each_may_make_one() -> None:
    """No lock is held while a function of somebody else's runs."""
    both_are_making = Barrier(2)

    def make() -> Dataset:
        both_are_making.wait()
        return Dataset()

    instance = Instance("1", make)
    seen: list[Dataset] = []
    threads = [Thread(target=lambda: seen.append(instance.data)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen[0] is seen[1] is instance.data


def test_copies_share_the_function() -> None:
    """One that always returns the same data set makes it theirs too."""
    data = named("CT")
    instance = Instance("1", lambda: data)

    assert data is attrs.evolve(instance).data is instance.data


@attrs.frozen
class Item:
    """An item of an archive that has its own form for it."""

    values: dict[str, str]
    asked: list[str] = attrs.field(factory=lambda: list[str]())  # noqa: PLW0108  for pyright

    def text(self, keyword: str) -> str:
        """Return the value of *keyword*."""
        return self.values.get(keyword, "")

    def part(self, wanted: Callable[[int], bool]) -> Callable[[], Dataset]:
        """Return what makes a data set, and notes that it did."""

        def make() -> Dataset:
            self.asked.append(self.values["SOPInstanceUID"])
            dataset = Dataset()
            for keyword, value in self.values.items():
                setattr(dataset, keyword, value)
            return Dataset({tag: dataset[tag] for tag in dataset.keys() if wanted(tag)})  # noqa: SIM118

        return make


def item(instance_uid: str, **values: str) -> Item:
    """Return an item about an instance."""
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": instance_uid}
    return Item({**uids, "PatientID": "7", "Modality": "CT", **values})


def test_items_that_are_no_data_sets_become_trees() -> None:
    """Their data are made of the parts that describe each object, when looked at."""
    items = [item("1.2.1", InstanceNumber="1"), item("1.2.2", InstanceNumber="2")]
    (study,) = assemble(items, INSTANCE).studies
    second = study.all_instances()[1]

    assert [] == items[0].asked + items[1].asked
    assert ["SOPInstanceUID", "InstanceNumber"] == second.data.dir()[::-1]
    assert ["PatientID", "StudyInstanceUID"] == study.data.dir()
    assert ["Modality", "SeriesInstanceUID"] == study.series[0].data.dir()
    assert (["1.2.1"] * 2, ["1.2.2"]) == (items[0].asked, items[1].asked)


def test_items_held_back_are_data_sets() -> None:
    """All of it, for those who want to look."""
    first, again, nameless = item("1.2.1"), item("1.2.1", PatientID="8"), item("")
    assembly = assemble([first, again, nameless], INSTANCE)

    assert ["8", "7"] == [held.data.PatientID for held in assembly.held_back]
    assert ["1/1.2/1.2.1", "None"] == [str(held.reference) for held in assembly.held_back]


def test_item_about_an_object_wins_over_what_lies_below() -> None:
    """Also where both are made late; what only the other says is kept."""
    assembler = Assembler()
    assembler.add(item("1.2.1", StudyID="from below", AccessionNumber="A1"), INSTANCE)
    assembler.add(item("", StudyID="own"), STUDY)
    (study,) = assembler.finish().studies

    assert ("own", "A1") == (study.data.StudyID, study.data.AccessionNumber)
