"""Scripted mail servers: they do on demand what a destination may do, and count what the prober did.

All targets of a world live on one asyncio loop in one thread. Their fields may be changed by the test at any time; the
next command sees the change.
"""

import asyncio
import collections
import threading

DROP = "drop"  # as a reply: close the connection
SILENT = "silent"  # as a reply: never answer


class TargetLoop:
    """The thread on which targets live."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp targets", daemon=True)
        self._thread.start()

    def run(self, coroutine, seconds=30):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class SmtpTarget:
    """One server. With `users` None, all users are known.

    `replies` gives a fixed reply for a stage ("banner", "EHLO", "MAIL", "RCPT", ...), `delays` the seconds before the
    reply of a stage. With `greylist`, the first RCPT of an address is deferred. `extensions` is what EHLO offers;
    `recipients_per_session` is the number of RCPT that are answered before the connection is closed without a reply. With
    `refuses_at_data` unknown users are refused at DATA.

    Counted: `sessions`, `most_sessions` at one time, `commands`, `helos` (names of clients), and `early_commands`, which
    came before the reply to the previous command was sent.
    """

    def __init__(self, loop, name, address, port, **manner):
        self.name = name
        self.address = address
        self.port = port
        self._loop = loop
        self._server = None
        self._connections = set()
        self.reset(**manner)

    def reset(self, users=None, replies=None, delays=None, greylist=False):
        self.users = users if users is None else set(users)
        self.replies = dict(replies or {})
        self.delays = dict(delays or {})
        self.greylist = greylist
        self.extensions = ["PIPELINING", "ENHANCEDSTATUSCODES"]
        self.recipients_per_session = None
        self.refuses_at_data = False
        self.unknown_reply = "550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        self.sessions = 0
        self.most_sessions = len(self._connections)
        self.early_commands = 0
        self.commands = collections.Counter()
        self.helos = set()
        self.senders = []
        self.recipients = []
        self._greylisted = set()
        self.open()

    def open(self):
        if self._server is None:
            self._server = self._loop.run(self._listen())

    def close(self):
        """Shuts down: new connections are refused, and open ones are cut."""
        if self._server is not None:
            self._loop.run(self._stop())
            self._server = None

    async def _listen(self):
        return await asyncio.start_server(self._serve, self.address, self.port, backlog=1000)

    async def _stop(self):
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._connections.add(task)
        self.sessions += 1
        self.most_sessions = max(self.most_sessions, len(self._connections))
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _talk(self, reader, writer):
        if not await self._reply(writer, "banner", f"220 {self.name} ESMTP"):
            return
        buffer = b""
        recipients = 0
        recipient = ""
        while True:
            while b"\n" not in buffer:
                more = await reader.read(65536)
                if not more or len(buffer) > 65536:
                    return
                buffer += more
            line, buffer = buffer.split(b"\n", 1)
            text = line.decode("utf-8", "replace").strip()
            verb = text.split(" ", 1)[0].upper()
            self.commands[verb] += 1
            self.early_commands += buffer != b""
            if verb == "RCPT":
                recipients += 1
                recipient = _path(text)
            if self.recipients_per_session is not None and recipients > self.recipients_per_session:
                return
            if not await self._reply(writer, verb, self._answer(verb, text, recipient)) or verb == "QUIT":
                return

    async def _reply(self, writer, stage, text):
        await asyncio.sleep(self.delays.get(stage, 0))
        text = self.replies.get(stage, text)
        if text == DROP:
            return False
        if text == SILENT:
            await asyncio.sleep(3600)
            return False
        writer.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        await writer.drain()
        return True

    def _answer(self, verb, text, recipient):
        if verb == "EHLO":
            self.helos.add(text.partition(" ")[2])
            lines = [self.name, *self.extensions]
            return "\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"])
        if verb == "MAIL":
            self.senders.append(_path(text))
            return "250 2.1.0 Ok"
        if verb == "RCPT":
            return self._rcpt(recipient)
        if verb == "QUIT":
            return "221 2.0.0 Bye"
        if verb == "DATA":
            return "354 Go ahead" if self._knows(recipient) else self.unknown_reply.format(address=recipient)
        return "250 2.0.0 Ok"

    def _rcpt(self, address):
        self.recipients.append(address)
        if self.greylist and address not in self._greylisted:
            self._greylisted.add(address)
            return "450 4.2.0 <{0}>: Recipient address rejected: Greylisted, see http://postgrey.test/help".format(address)
        if self.refuses_at_data or self._knows(address):
            return "250 2.1.5 Ok"
        return self.unknown_reply.format(address=address)

    def _knows(self, address):
        return self.users is None or address.rpartition("@")[0] in self.users


def _path(command):
    start, end = command.find("<"), command.rfind(">")
    return command[start + 1 : end]
