"""Plain ``nox`` does what CI does: Python versions from the classifiers, tools from the groups."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.error_on_missing_interpreters = False  # in CI too: it tests the Pythons it has

ROOT = Path(__file__).parent
REPORTS = ROOT / ".reports"  # what `.ci/run` adds up
PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
NEWEST = PYTHONS[-2:]  # the last may be missing
QUICK = ("tests/unit", "tests/property")
QUICKEST = tuple(sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/unit/test_*.py")))
HEAVY = ("all", "dask", "s3")  # what these bring is met in tests/integration only
LIGHT = [extra for extra in PYPROJECT["project"]["optional-dependencies"] if extra not in HEAVY]
LIGHTLY = f".[{','.join(LIGHT)}]"
CHECKERS = ("mypy", "pyright", "pyrefly", "ty")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, and the directions of import."""
    session.install(*_group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": "src"})


@nox.session
def typing(session: nox.Session) -> None:
    """The package and its tests, with our stubs; pyproject.toml says what each checker reads."""
    session.install(".[all]", *_group("typing"))
    for checker in session.posargs or CHECKERS:
        session.run(checker, *(() if checker in ("mypy", "pyright") else ("check",)))


@nox.session
def typing_consumer(session: nox.Session) -> None:
    """What a user sees: the installed package, without our stubs. The score is 100 %."""
    pyright = next(tool for tool in _group("typing") if tool.startswith("pyright"))
    session.install(LIGHTLY, pyright)
    with session.chdir(session.create_tmp()):
        session.run("pyright", "--ignoreexternal", "--verifytypes", "gurney")


@nox.session
def stubtest(session: nox.Session) -> None:
    """Our stubs say what the installed libraries do; see stubs/README.md."""
    mypy = next(tool for tool in _group("typing") if tool.startswith("mypy"))
    session.install(LIGHTLY, mypy)
    modules = [_install_stub(session, stub) for stub in sorted(ROOT.glob("stubs/**/*.pyi"))]
    with session.chdir(session.create_tmp()):  # away from pyproject.toml, which shows mypy stubs/
        session.run("stubtest", *modules)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, against the built package, with the newest Pythons.

    With the oldest those of the units, and with the others the quickest of these: all of them with
    all Pythons take half an hour.
    """
    if session.python in NEWEST:
        session.install(".[all]", *_group("test"), *_group("field"))
        folders: tuple[str, ...] = ("tests",)
    else:
        session.install(LIGHTLY, *_group("test"))
        folders = QUICK if session.python == PYTHONS[0] else QUICKEST
    _pytest(session, *(session.posargs or ("-n", "auto", "--pyargs", "gurney", *folders)))


@nox.session
def oldest(session: nox.Session) -> None:
    """The unit tests, with the oldest libraries that gurney says it works with."""
    oldest = [dependency.replace(">=", "==") for dependency in PYPROJECT["project"]["dependencies"]]
    session.install(LIGHTLY, *_group("test"), *oldest)
    _pytest(session, *(session.posargs or ("-n", "auto", "tests/unit")))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure; `benchmarks/README.md` holds the table of the last run."""
    session.install(".[all]", *_group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def news(session: nox.Session) -> None:
    """Show what the next release says; ``nox -s news -- --yes`` writes it into CHANGELOG.md."""
    session.install(*_group("news"))
    version: str = PYPROJECT["project"]["version"]
    session.run("towncrier", "build", "--version", version, *(session.posargs or ("--draft",)))


def _group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group; pip before 25.1 does not know ``--group``."""
    return nox.project.dependency_groups(PYPROJECT, name)


def _pytest(session: nox.Session, *arguments: str) -> None:
    session.run("pytest", f"--junit-xml={REPORTS / session.name}.xml", *arguments)


def _install_stub(session: nox.Session, stub: Path) -> str:
    """Lay *stub* beside the library, as a partial stub package (PEP 561); return its module."""
    package, *inner = stub.relative_to(ROOT / "stubs").with_suffix("").parts
    paths = sysconfig.get_paths(vars={"base": session.virtualenv.location})
    target = Path(paths["purelib"], f"{package}-stubs")
    copy = target.joinpath(*inner).with_suffix(".pyi")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(stub, copy)
    (target / "py.typed").write_text("partial\n", encoding="utf-8")
    return ".".join((package, *inner)).removesuffix(".__init__")
