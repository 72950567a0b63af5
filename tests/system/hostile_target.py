"""Hostile mail servers, each with its own attack and address, on the loop of the other targets."""

import asyncio

GREETING = b"220 hostile ESMTP\r\n"
# An endless reply offers this much; a client that reads all of it has no limit.
FLOOD = 100 << 20


async def endless_banner(reader, writer):
    await flood(writer, b"220-welcome\r\n" * 1000)


async def endless_line(reader, writer):
    await flood(writer, b"x" * 10000)


async def a_byte_a_second(reader, writer):
    for byte in b"220 " + b"x" * 1000:
        writer.write(bytes([byte]))
        await asyncio.sleep(1)


async def no_final_line(reader, writer):
    writer.write(GREETING)
    await reader.readline()
    writer.write(b"250-hostile\r\n")
    await reader.read()


async def replies_before_commands(reader, writer):
    writer.write(GREETING + b"250 hostile\r\n" * 10)
    await reader.read()


async def garbage_in_place_of_tls(reader, writer):
    writer.write(GREETING)
    await reader.readline()
    writer.write(b"250-hostile\r\n250 STARTTLS\r\n")
    await reader.readline()
    writer.write(b"220 go on\r\n")
    await reader.read(1)
    writer.write(bytes(range(256)) * 10)


async def end_at_rcpt(reader, writer):
    writer.write(GREETING)
    for _ in range(2):
        await reader.readline()
        writer.write(b"250 ok\r\n")
    await reader.readline()


async def silence(reader, writer):
    await reader.read()


WAYS = (endless_banner, endless_line, a_byte_a_second, no_final_line, replies_before_commands, garbage_in_place_of_tls,
        end_at_rcpt, silence)


async def flood(writer, piece):
    for _ in range(FLOOD // len(piece)):
        writer.write(piece)
        await writer.drain()


class HostileTargets:
    """`addresses`: one for each of WAYS. Counted: `sessions`, and `most_sessions` at one time."""

    def __init__(self, loop, addresses, port):
        self.sessions = 0
        self.most_sessions = 0
        self._now = 0
        self._loop = loop
        self._serving_now = set()
        self._servers = [
            loop.run(asyncio.start_server(self._serving(way), address, port, backlog=1000))
            for way, address in zip(WAYS, addresses)
        ]

    def _serving(self, way):
        async def serve(reader, writer):
            self._serving_now.add(asyncio.current_task())
            self.sessions += 1
            self._now += 1
            self.most_sessions = max(self.most_sessions, self._now)
            try:
                await way(reader, writer)
            except (OSError, asyncio.CancelledError):
                pass
            finally:
                self._serving_now.discard(asyncio.current_task())
                self._now -= 1
                writer.transport.abort()

        return serve

    def close(self):
        self._loop.run(self._close())

    async def _close(self):
        for server in self._servers:
            server.close()
        tasks = list(self._serving_now)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports
