"""The house keeps its own rules: public names, type hints, dependencies."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pytest

import gurney

ROOT = Path(__file__).parents[2]
SOURCE = Path(gurney.__file__).parent


def names_of(paths: Iterator[Path]) -> list[str]:
    """Return the dotted names of the modules at *paths*; ``__main__`` runs when it is imported."""
    parts = (path.relative_to(SOURCE.parent).with_suffix("").parts for path in paths)
    dotted = (".".join(part).removesuffix(".__init__") for part in parts if part[-1] != "__main__")
    return sorted(dotted)


PACKAGES = names_of(SOURCE.rglob("__init__.py"))
MODULES = names_of(SOURCE.rglob("*.py"))


def public_names(module: ModuleType) -> list[str]:
    """Return what *module* says is public."""
    return list(getattr(module, "__all__", ()))


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_and_true(name: str) -> None:
    """Every name in ``__all__`` is there, once, in order."""
    module = importlib.import_module(name)
    names = public_names(module)

    assert sorted(set(names)) == names
    assert [] == [missing for missing in names if not hasattr(module, missing)]


@pytest.mark.parametrize("name", PACKAGES)
def test_face_of_a_package_is_whole(name: str) -> None:
    """A package writes out ``__all__``, and imports nothing of gurney's that is not in it."""
    package = importlib.import_module(name)
    ours = {
        attribute
        for attribute, value in vars(package).items()
        if not attribute.startswith("_") and getattr(value, "__module__", "").startswith("gurney")
    }

    assert hasattr(package, "__all__")
    assert set() == ours - set(public_names(package))


@pytest.mark.parametrize("name", MODULES)
def test_type_hints_resolve(name: str) -> None:
    """`typing.get_type_hints` works on everything public: annotations name real imports."""
    module = importlib.import_module(name)

    for public in public_names(module):
        for thing in annotated(getattr(module, public)):
            get_type_hints(thing)


def annotated(thing: object) -> Iterator[type | object]:
    """Yield what has annotations: a function, or a class, its methods and its properties."""
    if inspect.isroutine(thing):
        yield inspect.unwrap(thing)
    if not inspect.isclass(thing):
        return
    yield thing
    for member in vars(thing).values():
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if inspect.isfunction(function):
            yield function


def test_types_are_shipped() -> None:
    """Checkers believe the hints of an installed package only where it holds ``py.typed``."""
    assert resources.files("gurney").joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    "path", sorted(SOURCE.joinpath("core").rglob("*.py")), ids=lambda p: p.name
)
def test_core_needs_three_libraries(path: Path) -> None:
    """`gurney.core` imports attrs, pydicom, typing-extensions and the standard library, no more."""
    allowed = {"attrs", "pydicom", "typing_extensions", "gurney"} | sys.stdlib_module_names

    assert set() == set(imported(ast.parse(path.read_bytes()))) - allowed


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level names of the libraries that *tree* imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_pre_commit_has_the_ruff_of_the_lint_session() -> None:
    """Two releases of ruff would undo each other's formatting."""
    files = ("pyproject.toml", ".pre-commit-config.yaml")
    pins = {pin for file in files for pin in re.findall(r"ruff==[\d.]+", (ROOT / file).read_text())}

    assert 1 == len(pins)


@pytest.mark.parametrize(("in_ci", "outcome"), [("", "skipped"), ("true", "errors")])
def test_absent_corpus_fails_in_ci_only(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, in_ci: str, outcome: str
) -> None:
    """Tests on real files skip on a bare clone; in CI that would be silence, so they fail."""
    monkeypatch.setenv("CI", in_ci)
    monkeypatch.setenv("GURNEY_CORPUS", str(pytester.path / "absent"))
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile("def test_real(corpus): pass")

    pytester.runpytest_subprocess().assert_outcomes(**{outcome: 1})
