"""The command line: what can be typed, and what each thing means. The work is done elsewhere.

Modules that do it are imported when a command runs, so that ``--help`` does not wait for pydicom.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from .command import INCLUDE, LOOKING_FOR, Given, command
from .exits import EXIT_CODES, ExitCode, WrongUseError
from .formats import Format, Level, Over, ProgressMode
from .terminal import Terminal
from .transfer_app import transfer_app

__all__ = ["app", "run"]

app: Final = typer.Typer(
    name="gurney",
    help="Find and fetch DICOM studies: complete, or loudly incomplete.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(transfer_app)

ArchiveArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="ARCHIVE",
        help="The path of a folder, or a URL such as dicomweb+https://user@host/dicom-web or "
        "dimse://CALLED@host:port?calling=CALLING; demo:// is the samples that come with pydicom.",
        show_default=False,
    ),
]
FormatOption: TypeAlias = Annotated[
    Format | None,
    typer.Option(
        "--format", "-f", help="Default: table on a terminal, csv elsewhere.", show_default=False
    ),
]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="gurney")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.BUG
    return ExitCode.COMPLETE


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            sys.stdout.write(f"gurney {version('gurney')}\n")
        except PackageNotFoundError:  # run from its source
            sys.stdout.write("gurney, not installed\n")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Find and fetch DICOM studies: complete, or loudly incomplete."""


@app.command(epilog=EXIT_CODES)
@command(*LOOKING_FOR, INCLUDE)
def find(
    terminal: Terminal,
    given: Given,
    archive: ArchiveArgument,
    level: Annotated[Level, typer.Option("--level", "-l", help="How deep.")] = Level.STUDY,
    format_: FormatOption = None,
) -> ExitCode:
    """Find studies, and say whether these are all.

    Values may hold the wildcards * and ?; dates are 20240131 or 2024-01-31.
    Without any option, everything is found.
    """
    from gurney.core import QueryLevels

    from . import finding

    shown = format_ or (Format.TABLE if terminal.read_by_person else Format.CSV)
    return finding.find(terminal, given, archive, QueryLevels[level.name], shown)


@app.command(epilog=EXIT_CODES)
@command(*LOOKING_FOR, INCLUDE)
def tree(
    terminal: Terminal,
    given: Given,
    archive: ArchiveArgument,
    level: Annotated[Level, typer.Option("--level", "-l", help="How deep.")] = Level.SERIES,
) -> ExitCode:
    """Find studies, and show them as a tree."""
    from gurney.core import QueryLevels

    from . import finding

    return finding.find(terminal, given, archive, QueryLevels[level.name], Format.TREE)


@app.command(epilog=EXIT_CODES)
@command(*LOOKING_FOR)
def fetch(
    terminal: Terminal,
    given: Given,
    archive: ArchiveArgument,
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REFERENCES",
            help="What to fetch: STUDY, STUDY/SERIES or STUDY/SERIES/INSTANCE, as UIDs.",
            show_default=False,
        ),
    ] = None,
    *,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir", "-o", help="Where to put it.", metavar="DIR", show_default=False
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="References, one a line; or CSV with any of StudyInstanceUID, SeriesInstanceUID, "
            "SOPInstanceUID, AccessionNumber, PatientID and StudyDate; - is standard input.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Fetch all that the archive holds.")
    ] = False,
    layout: Annotated[
        str,
        typer.Option(
            help="default, flat, or a path with DICOM keywords, "
            "as in '{PatientID}/{StudyDate}/{SOPInstanceUID}.dcm'.",
            metavar="LAYOUT",
        ),
    ] = "default",
    checksum: Annotated[
        str,
        typer.Option(help="What the receipt proves files by, as in blake2b; none for none."),
    ] = "sha256",
    receipt: Annotated[
        Path | None,
        typer.Option(
            help="Write the receipt here too; CSV if it ends in .csv.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    progress: Annotated[
        ProgressMode,
        typer.Option(help="On standard error; auto is a bar, and nothing where nobody looks."),
    ] = ProgressMode.AUTO,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the instances that would be fetched.")
    ] = False,
) -> ExitCode:
    """Fetch studies into a folder, verify each instance, and write a receipt there.

    Say what to fetch by references, by options as those of find, or with --all. What is there
    already, whole, is not fetched again: after an interruption, run the same command again.
    """
    from . import fetching

    selection = fetching.Selection(references or (), from_, given, everything)
    if dry_run:
        return fetching.list_instances(terminal, archive, selection)
    if output_dir is None:
        raise WrongUseError("say where to put it: --output-dir DIR (only --dry-run needs none)")
    target = fetching.Target(output_dir, layout, checksum, receipt)
    return fetching.fetch(terminal, archive, selection, target, progress)


@app.command(epilog=EXIT_CODES)
@command()
def verify(
    terminal: Terminal,
    _given: Given,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A folder that was fetched into.", show_default=False),
    ],
    receipt: Annotated[
        Path | None,
        typer.Option(
            help="Measure by this one, not by all those in DIR.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Verify that a folder holds, whole and unchanged, what its receipts say."""
    from . import verifying

    return verifying.verify(terminal, folder, receipt)


@app.command(epilog=EXIT_CODES)
@command()
def echo(terminal: Terminal, _given: Given, archive: ArchiveArgument) -> ExitCode:
    """Ask an archive whether it answers, and say how long that took.

    By C-ECHO where it speaks DIMSE, else by a search for a study that does not exist.
    """
    from . import echoing

    return echoing.echo(terminal, archive)


@app.command(epilog=EXIT_CODES)
@command()
def demo(
    terminal: Terminal,
    _given: Given,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-o", help="Where to put the studies.", metavar="DIR")
    ] = Path("gurney-demo"),
    over: Annotated[
        Over, typer.Option(help="Read the samples as files, or from an archive on this machine.")
    ] = Over.FILES,
) -> ExitCode:
    """Show what gurney does, on sample studies that came with pydicom: nothing to configure."""
    from . import demonstration

    return demonstration.demo(terminal, output_dir, over)
