"""Laws of queries: nothing is lost on the way, and nothing slips into a message."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import ExtendedQuery, Query, QueryError, UnsupportedParameterError
from gurney.testing.strategies import queries


@attrs.frozen(kw_only=True)
class Paged(Query):
    """A backend's own query."""

    limit: int = 0


@attrs.frozen(kw_only=True)
class Rich(ExtendedQuery):
    """Another backend's own query."""

    fuzzy_matching: bool = False
    headers: dict[str, str] = attrs.field(factory=dict[str, str], hash=False)


@attrs.frozen(kw_only=True)
class Narrow(Query):
    """One with a field that two others do not share, and a default of its own."""

    PatientSex: str = "O"


CLASSES: tuple[type[Query], ...] = (Query, ExtendedQuery, Paged, Rich, Narrow)
KINDS = st.sampled_from(CLASSES)
ANY = st.one_of(*(queries(kind) for kind in CLASSES))


@given(ANY, KINDS)
def test_conversion_loses_nothing_or_names_what(query: Query, kind: type[Query]) -> None:
    """Between any two classes, derived from one another or not."""
    lost = query.parameters().keys() - attrs.fields_dict(kind).keys()
    if lost:
        with pytest.raises(UnsupportedParameterError) as caught:
            kind.init_from_query(query)
        assert caught.value.parameter in lost
        return

    converted = kind.init_from_query(query)
    assert kind is type(converted)
    for name, value in query.parameters().items():
        assert value == getattr(converted, name)


@given(ANY)
def test_query_is_made_again_of_its_parameters(query: Query) -> None:
    """By call, by mapping and by pickle."""
    kind = type(query)

    assert query == kind(**query.parameters())
    assert query == kind.from_mapping(query.parameters())
    assert query == pickle.loads(pickle.dumps(query))


@given(ANY)
def test_identifier_says_all_that_is_matched(query: Query) -> None:
    """Each key once, with the values that were given, and no warning on the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        identifier = query.identifier()

    keys = {name: value for name, value in query.parameters().items() if name[0].isupper()}
    dates = {"StudyDate"} if query.min_study_date or query.max_study_date else set[str]()
    assert keys.keys() | dates == {element.keyword for element in identifier}
    for name, value in keys.items():
        element = identifier[name]
        values = list(element.value) if element.VM > 1 else [element.value]
        assert value.split("\\") == [str(part) for part in values]


@given(ANY)
def test_short_string_is_one_line_that_names_each_parameter(query: Query) -> None:
    """For people."""
    line = query.to_short_string()

    assert 1 >= len(line.splitlines())
    assert all(f"{name}=" in line for name in query.parameters())


SECRETS = st.sampled_from(["SENTINEL", "JANE^SENTINEL", "19600101-SENTINEL", "SENTINEL-1"])


@st.composite
def mistakes(draw: st.DrawFn) -> object:
    """Wrong values with a sentinel in them."""
    secret = draw(SECRETS)
    wrapped = st.sampled_from(
        [
            secret,
            f"{secret}\n",
            f"{secret}\\",
            f"{secret} {secret}",
            f"{secret}*",
            [secret],
            [secret, ""],
            [secret, None],
            {secret: secret},
            (secret, 1),
            secret.encode(),
            {secret},
        ]
    )
    return draw(wrapped)


@given(
    st.dictionaries(
        st.sampled_from(
            [name for name in attrs.fields_dict(ExtendedQuery) if name != "include_fields"]
        ),
        mistakes(),
        min_size=1,
        max_size=4,
    )
)
def test_no_message_holds_a_value(values: dict[str, Any]) -> None:
    """However many mistakes are made at once, messages name parameters only."""
    message = message_of(lambda: ExtendedQuery(**values))

    assert "SENTINEL" not in message
    assert not message or any(name in message or "study date" in message for name in values)


def message_of(call: Callable[[], object]) -> str:
    """Return all that an error of *call* shows; nothing if there is none."""
    try:
        call()
    except QueryError as error:
        return f"{error!s} {error!r} {error.args!r} {error.__cause__!r}"
    return ""


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: not name.isidentifier()), SECRETS, min_size=1
    )
)
def test_no_message_holds_a_name_that_may_be_a_value(values: dict[str, str]) -> None:
    """A table without a heading has values where names belong."""
    message = message_of(lambda: Query.from_mapping(values))

    assert "Query has no parameter an entry" in message
    assert "SENTINEL" not in message
