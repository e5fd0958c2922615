#!/usr/bin/env python3
"""A way to PostgreSQL that takes its time: `delay.py SOCKET ROUND_TRIP_MS` prints the port that it listens on.

Each half of a round trip is as late as half of the time says; nothing is lost, and the order stays."""

import asyncio
import sys

CHUNK = 1 << 18


async def pass_on(reader, writer, delay_s):
    loop = asyncio.get_running_loop()
    waiting = asyncio.Queue()

    async def deliver():
        while True:
            due, chunk = await waiting.get()
            # The loop wakes up to a millisecond late: the last of it is waited out.
            if (left := due - loop.time() - 0.001) > 0:
                await asyncio.sleep(left)
            while loop.time() < due:
                await asyncio.sleep(0)
            writer.write(chunk)
            if not chunk:
                return writer.close()

    delivering = asyncio.create_task(deliver())
    while chunk := await reader.read(CHUNK):
        waiting.put_nowait((loop.time() + delay_s, chunk))
    waiting.put_nowait((loop.time() + delay_s, b""))
    await delivering


async def main(socket, round_trip_ms):
    delay_s = round_trip_ms / 2000

    async def serve(reader, writer):
        server_reader, server_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(pass_on(reader, server_writer, delay_s), pass_on(server_reader, writer, delay_s))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
