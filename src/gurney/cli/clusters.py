"""Who does the work of a transfer: threads of this process, or a dask cluster."""

from __future__ import annotations

import re
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from .exits import WrongUseError
from .terminal import Terminal

__all__ = ["executor_of"]

_is_local: Final = re.compile(r"local:([1-9]\d{0,3})").fullmatch


@contextmanager
def executor_of(terminal: Terminal, dask: str | None) -> Generator[Executor | None]:
    """Yield the executor of a cluster at the address *dask*, or of ``local:N`` processes.

    `None` for threads of this process, if *dask* is.

    Raises
    ------
    WrongUseError
        If dask is not installed, or *dask* is no address.
    """
    if dask is None:
        yield None
        return
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise WrongUseError(
            f'--dask needs {error.name}, which is not installed; run: pip install "gurney[dask]"'
        ) from error
    local = _is_local(dask)
    if dask.startswith("local") and not local:
        raise WrongUseError("--dask local:N takes a number of processes, as in local:4")
    with ExitStack() as stack:
        with terminal.busy("connecting to the cluster"):
            address = (
                stack.enter_context(_on_this_machine(LocalCluster, int(local.group(1))))
                if local
                else dask
            )
            client = stack.enter_context(_connected(Client, address))
        yield stack.enter_context(client.get_executor())


# distributed gives its classes no types.


def _on_this_machine(cluster: Any, processes: int) -> Any:  # noqa: ANN401
    """Start a scheduler and *processes*, without the page on which dask shows itself."""
    return cluster(
        n_workers=processes, threads_per_worker=1, processes=True, dashboard_address=None
    )


def _connected(client: Any, address: object) -> Any:  # noqa: ANN401
    try:
        return client(address, timeout="20s")
    except (OSError, ValueError) as error:
        raise WrongUseError(
            "--dask: no scheduler answers there; give its address as in tcp://host:8786, or local:N"
        ) from error
