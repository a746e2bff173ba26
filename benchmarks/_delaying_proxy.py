"""A line to somewhere far away: what passes is held up, and let through at a bounded rate.

Usage: ``python _delaying_proxy.py PORT ROUND_TRIP RATE``: to this port of this machine, with a
round trip in seconds and a rate in bytes per second for each connection. Prints its own port; ends
with its standard input.

Opening a connection costs a round trip, as it does over TCP; so does each question and its answer.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

PIECE = 64 * 1024
ON_ITS_WAY = 64  # pieces: as much as the line holds, and more


async def main(port: int, round_trip: float, rate: float) -> None:
    """Pass on what comes, until the standard input is closed."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip)
        there, back = await asyncio.open_connection("127.0.0.1", port, limit=PIECE)
        await asyncio.gather(
            pump(reader, back, round_trip / 2, rate), pump(there, writer, round_trip / 2, rate)
        )

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, limit=PIECE, backlog=100)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


async def pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float, rate: float
) -> None:
    """Bring each piece to *target* after *delay*, and after those before it at *rate*."""
    clock = asyncio.get_running_loop().time
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(ON_ITS_WAY)

    async def send() -> None:
        free = 0.0  # when the line has let through all that came before
        while piece := await source.read(PIECE):
            free = max(free, clock()) + len(piece) / rate
            await line.put((free + delay, piece))
        await line.put((clock() + delay, b""))

    async def receive() -> None:
        while True:
            due, piece = await line.get()
            await asyncio.sleep(due - clock())
            if not piece:
                break
            target.write(piece)
            await target.drain()
        target.write_eof()

    with suppress(OSError):  # one side has gone; the other is told by the end of the line
        await asyncio.gather(send(), receive())
    target.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
