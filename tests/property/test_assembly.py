"""Laws of assembly: flat data sets and trees say the same."""

from __future__ import annotations

import copy
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMObject,
    DICOMObjectLevels,
    Study,
    assemble,
    level_of_keyword,
    to_references,
)
from gurney.testing.strategies import datasets, studies

LEVELS: st.SearchStrategy[DICOMObjectLevels] = st.sampled_from(list(DICOMObjectLevels))


@st.composite
def listings(draw: st.DrawFn) -> tuple[DICOMObjectLevels, list[Study], list[Dataset]]:
    """Studies, and what an archive that holds them answers at a level."""
    level = draw(LEVELS)
    held = draw(st.lists(studies(level), max_size=3, unique_by=lambda study: study.uid))
    listed = to_references(held, level)
    flat = [draw(datasets(level, uid_of=reference.uids)) for reference in listed]
    return level, held, flat


@given(listings())
def test_trees_are_those_that_were_listed(
    listing: tuple[DICOMObjectLevels, list[Study], list[Dataset]],
) -> None:
    """In order, linked, and with nothing held back."""
    level, held, flat = listing
    assembly = assemble(flat, level)

    assert tuple(held) == assembly.studies
    assert () == assembly.held_back
    assert to_references(held, level) == to_references(assembly.studies, level)


@given(listings(), st.randoms(use_true_random=False))
def test_order_of_the_listing_moves_objects_and_loses_none(
    listing: tuple[DICOMObjectLevels, list[Study], list[Dataset]], random: Random
) -> None:
    """Archives list as they like."""
    level, held, flat = listing
    random.shuffle(flat)
    assembly = assemble(flat, level)

    assert () == assembly.held_back
    assert sorted(to_references(held, level)) == sorted(to_references(assembly.studies, level))


@given(listings())
def test_listing_twice_holds_the_second_back(
    listing: tuple[DICOMObjectLevels, list[Study], list[Dataset]],
) -> None:
    """Every item is in a tree or held back, whatever an archive repeats."""
    level, held, flat = listing
    assembly = assemble([*flat, *flat], level)

    assert tuple(held) == assembly.studies
    assert flat == [held_back.data for held_back in assembly.held_back]


@given(listings())
def test_every_attribute_is_where_it_belongs(
    listing: tuple[DICOMObjectLevels, list[Study], list[Dataset]],
) -> None:
    """What an item says stands at the level it describes, and the item is left as it is."""
    level, _, flat = listing
    before = copy.deepcopy(flat)
    assembly = assemble(flat, level)

    assert before == flat
    for study in assembly.studies:
        parts: list[DICOMObject] = [study, *study.all_series(), *study.all_instances()]
        for part in parts:
            for element in part.data:
                if element.keyword != "SpecificCharacterSet":
                    assert max(part.level, level) >= level_of_keyword(element.keyword)
    if level is DICOMObjectLevels.STUDY:
        assert flat == [study.data for study in assembly.studies]
