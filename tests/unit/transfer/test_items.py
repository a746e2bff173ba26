"""Items show where they are, and keep to themselves what is wanted."""

from __future__ import annotations

import pickle

from gurney.core import ExtendedQuery, Query, QueryLevels, StudyReference
from gurney.transfer import Item


def test_an_item_shows_its_place_only() -> None:
    """What is wanted may name a patient; reprs end up in logs."""
    item = Item("row 2 of c.csv", Query(AccessionNumber="SECRET"))

    assert "Item(place='row 2 of c.csv')" == repr(item)


def test_how_an_answer_is_wanted_does_not_count() -> None:
    """The same studies are meant, however deep and rich their listing."""
    query = Query(PatientID="x", min_study_date="20240131")
    deeper = ExtendedQuery(
        PatientID="x",
        min_study_date="20240131",
        query_level=QueryLevels.INSTANCE,
        include_fields=["Modality"],
    )

    assert Item("here", query).text == Item("there", deeper).text


def test_an_item_travels() -> None:
    """Between processes, as whatever it holds does."""
    item = Item("item 1", StudyReference("1.2"))

    assert item == pickle.loads(pickle.dumps(item))
