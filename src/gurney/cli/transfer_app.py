"""``gurney transfer``: what can be typed after it, and what each thing means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from .command import Given, command
from .exits import EXIT_CODES, ExitCode
from .formats import ProgressMode, StatusFormat
from .terminal import Terminal

__all__ = ["transfer_app"]

transfer_app: Final = typer.Typer(
    name="transfer",
    help="Fetch cohorts: thousands of studies, over nights, on one machine or many.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_GENTLY: Final = "How hard the archive is worked"

OutputArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="OUT",
        help="What plan was given as --output, if it is a folder; else the folder of the ledger.",
        show_default=False,
    ),
]
ParallelOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Parcels of work at a time, at most; fewer while the archive is busy. Default: 4.",
        metavar="N",
        min=1,
        show_default=False,
        rich_help_panel=_GENTLY,
    ),
]
RateOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Bytes a second, at most, as in 20MB; default: no bound.",
        metavar="BYTES",
        show_default=False,
        rich_help_panel=_GENTLY,
    ),
]
RequestsOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="Requests a second, at most; default: no bound.",
        metavar="N",
        show_default=False,
        rich_help_panel=_GENTLY,
    ),
]
WindowOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="When to work, as in '19:00-07:00', 'Mon-Fri 19:00-07:00; Sat,Sun' or 'always'; "
        "outside it the run waits. Default: always.",
        metavar="HOURS",
        show_default=False,
        rich_help_panel=_GENTLY,
    ),
]
ZoneOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tz",
        help="By which clock, as in Europe/Amsterdam; default: that of this machine.",
        metavar="ZONE",
        show_default=False,
        rich_help_panel=_GENTLY,
    ),
]
PatienceOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="Minutes for which an archive may be away before the run gives up. Default: 60.",
        metavar="MINUTES",
        min=0,
        show_default=False,
        rich_help_panel=_GENTLY,
    ),
]


@transfer_app.command(epilog=EXIT_CODES)
@command()
def plan(
    terminal: Terminal,
    _given: Given,
    archives: Annotated[
        list[str],
        typer.Argument(
            metavar="ARCHIVE...",
            help="Where from: paths or URLs. The first is searched; each is asked for what those "
            "before it could not give.",
            show_default=False,
        ),
    ],
    *,
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            help="What to fetch: CSV with any of StudyInstanceUID, SeriesInstanceUID, "
            "SOPInstanceUID, AccessionNumber, PatientID and StudyDate, or references, one a line; "
            "- is standard input.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="Where to: a folder, or the URL of an object store, as in s3://bucket/cohort.",
            metavar="OUT",
            show_default=False,
        ),
    ],
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="Where the transfer keeps its ledger; default: OUT/gurney-transfer. "
            "An object store needs it.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
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
    transform: Annotated[
        str | None,
        typer.Option(
            help="A function that is given each data set and returns what to store, or None: a "
            "de-identifier, for instance.",
            metavar="MODULE:FUNCTION",
            show_default=False,
        ),
    ] = None,
    parallel: ParallelOption = None,
    rate: RateOption = None,
    requests: RequestsOption = None,
    window: WindowOption = None,
    zone: ZoneOption = None,
    patience: PatienceOption = None,
) -> ExitCode:
    """Find out what there is to fetch, and keep it in a ledger; nothing is fetched yet.

    After an interruption, run the same command again. A longer list adds to what is there.
    """
    from . import manners, planning

    told = manners.Told(parallel, rate, requests, window, zone, patience)
    wanted = planning.Wanted(tuple(archives), from_, output, ledger, layout, checksum, transform)
    return planning.plan(terminal, wanted, told)


@transfer_app.command(epilog=EXIT_CODES)
@command()
def run(
    terminal: Terminal,
    _given: Given,
    output: OutputArgument,
    *,
    dask: Annotated[
        str | None,
        typer.Option(
            help="Work on a dask cluster: the address of its scheduler, or local:N for N "
            "processes on this machine.",
            metavar="ADDRESS",
            show_default=False,
        ),
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Also try again what failed for good before."),
    ] = False,
    progress: Annotated[
        ProgressMode,
        typer.Option(help="On standard error; auto is a display, and nothing where nobody looks."),
    ] = ProgressMode.AUTO,
    parallel: ParallelOption = None,
    rate: RateOption = None,
    requests: RequestsOption = None,
    window: WindowOption = None,
    zone: ZoneOption = None,
    patience: PatienceOption = None,
) -> ExitCode:
    """Fetch what plan has found, verify each instance, and write a receipt.

    Nothing is fetched twice: after an interruption of any kind, run the same command again. What
    is said here of how hard the archive is worked, goes before what plan was told.
    """
    from . import manners, transferring

    told = manners.Told(parallel, rate, requests, window, zone, patience)
    how = transferring.How(told, dask, retry_failed, progress)
    return transferring.run(terminal, output, how)


@transfer_app.command(epilog=EXIT_CODES)
@command()
def status(
    terminal: Terminal,
    _given: Given,
    output: OutputArgument,
    *,
    format_: Annotated[
        StatusFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="Default: table on a terminal, json elsewhere.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Say it again and again, until the run ends.")
    ] = False,
    every: Annotated[
        float, typer.Option(help="Seconds between two times.", metavar="SECONDS", min=0.1)
    ] = 2.0,
) -> ExitCode:
    """Say how a transfer stands; also while another process is at work on it.

    The exit code is 0 only if everything is here.
    """
    from . import standing

    shown = format_ or (StatusFormat.TABLE if terminal.read_by_person else StatusFormat.JSON)
    return standing.status(terminal, output, shown, every if watch else None)


@transfer_app.command(epilog=EXIT_CODES)
@command()
def report(
    terminal: Terminal,
    _given: Given,
    output: OutputArgument,
    *,
    json: Annotated[
        Path | None,
        typer.Option(help="Write the receipt here, as JSON.", metavar="FILE", show_default=False),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="Write one line for each instance here, as CSV.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write pages for people here, with plots; default, if nothing else is written: "
            "the folder report beside the ledger.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the pages in a browser.")] = False,
) -> ExitCode:
    """Write what became of a transfer: pages for people, a receipt for programs.

    The exit code is 0 only if everything is here.
    """
    from . import telling

    return telling.report(terminal, output, telling.Written(json, csv, html, open_))
