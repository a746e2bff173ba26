"""TLS in front of a server that speaks plain HTTP, as reverse proxies of hospitals have it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final

import attrs
import trustme

__all__ = ["Certificates", "make_certificates", "tls_in_front_of"]

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_PIECE: Final = 64 * 1024


@attrs.frozen
class Certificates:
    """Files in PEM, all signed by one private authority.

    Attributes
    ----------
    authority
        What both sides have to trust.
    server
        The key and certificate of ``localhost``.
    client
        The key and certificate of somebody who may connect.
    """

    authority: Path
    server: Path
    client: Path


def make_certificates(folder: Path) -> Certificates:
    """Make them, in *folder*."""
    authority = trustme.CA()
    files = Certificates(*(folder / f"{name}.pem" for name in ("authority", "server", "client")))
    authority.cert_pem.write_to_path(str(files.authority))
    for name, path in (("localhost", files.server), ("client", files.client)):
        authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(path))
    return files


@contextmanager
def tls_in_front_of(port: int, certificates: Certificates) -> Generator[int, None, None]:
    """Yield a port that leads to *port*, for clients with a certificate only."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.authority)
    context.load_cert_chain(certificates.server)
    context.verify_mode = ssl.CERT_REQUIRED
    ready: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = SimpleQueue()

    async def serve() -> None:
        over = asyncio.Event()
        server = await asyncio.start_server(_to(port), "127.0.0.1", 0, ssl=context, limit=_PIECE)
        ready.put((asyncio.get_running_loop(), over, server.sockets[0].getsockname()[1]))
        await over.wait()
        server.close()

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, over, here = ready.get(timeout=60)
    try:
        yield here
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def _to(port: int) -> _Handler:
    """Return what takes a connection, and passes on what comes in both directions."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port, limit=_PIECE)
        with suppress(OSError):  # one side has gone, and so does the other
            await asyncio.gather(_pump(reader, back), _pump(there, writer))

    return handle


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(_PIECE):
            target.write(piece)
            await target.drain()
    finally:
        target.close()
