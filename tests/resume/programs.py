"""The other processes of a hostile world: the network, the server, the players under Node."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from tests.resume.proxy import Fault

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MOST_LINE_BYTES = 2**24
END_SECONDS = 10.0


class Program:
    """A child process that is spoken to, and answers, in lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input, self._output = process.stdin, process.stdout

    @classmethod
    @asynccontextmanager
    async def running(cls, *command: str) -> AsyncIterator[Program]:
        """Run *command*; its input ends with the block, and it has to end then."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MOST_LINE_BYTES,
        )
        program = cls(process)
        try:
            yield program
        finally:
            await program.end()

    def tell(self, value: Mapping[str, Any]) -> None:
        """Send one line."""
        self._input.write(json.dumps(value).encode() + b"\n")

    async def hear(self) -> Any:
        """Return the next line, or None at the end."""
        line = await self._output.readline()
        return json.loads(line) if line else None

    async def end(self) -> None:
        """Close its input and wait until it has ended; kill it where it does not."""
        self._input.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        # The transport of a pipe closes in a turn of the loop of its own.
        await self._output.read()

    async def kill(self) -> None:
        """Kill it: it has no time to say goodbye."""
        self._process.kill()
        await self._process.wait()


class World:
    """The server, a program of its own."""

    def __init__(self, program: Program, port: int) -> None:
        self.program = program
        self.port = port

    @classmethod
    @asynccontextmanager
    async def running(cls, *options: str) -> AsyncIterator[World]:
        """Run the server until the end of the block."""
        command = (sys.executable, "-m", "tests.resume.world", *options)
        async with Program.running(*command) as program:
            yield cls(program, await program.hear())


class Network:
    """The proxy, a program of its own."""

    def __init__(self, program: Program, port: int) -> None:
        self._program = program
        self._port = port
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls, target: int) -> AsyncIterator[Network]:
        """Run a network in front of port *target* until the end of the block."""
        async with Program.running(sys.executable, "-m", "tests.resume.proxy") as program:
            network = cls(program, (await program.hear())["port"])
            network.lead_to(target)
            reading = asyncio.create_task(network._read())
            try:
                yield network
            finally:
                reading.cancel()
                await asyncio.wait({reading})

    async def _read(self) -> None:
        while (answer := await self._program.hear()) is not None:
            self._waiting.pop(answer.get("plan", "")).set_result(answer)

    async def _ask(self, key: str, order: dict[str, Any]) -> dict[str, Any]:
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        self._program.tell(order)
        return await future

    def url(self, plan: str) -> str:
        """Return where the connections of *plan* go."""
        return f"ws://127.0.0.1:{self._port}/?plan={plan}"

    def lead_to(self, target: int) -> None:
        """Have new connections go to the port *target*; none, where it is 0."""
        self._program.tell({"target": target})

    def plan(self, name: str, faults: Iterable[Fault] = (), *, rewind: bool = False) -> None:
        """Say what is to happen to the connections of *name*."""
        self._program.tell({"plan": name, "faults": list(faults), "rewind": rewind})

    async def forget(self, name: str) -> dict[str, Any]:
        """End the connections of *name*; return what was ``done``, and the ``units`` of each."""
        return await self._ask(name, {"forget": name})

    async def cut_all(self) -> int:
        """Reset every connection, and return how many there were."""
        answer = await self._ask("", {"cut": "all"})
        return int(answer["cut"])


class Node:
    """The process of the players who use goroom.js."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count()
        self._hearers: dict[str, Callable[[list[Any]], None]] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Node]:
        """Run it until the end of the block."""
        async with Program.running("node", str(HERE / "players.js")) as program:
            node = cls(program)
            reading = asyncio.create_task(node._read())
            try:
                yield node
            finally:
                reading.cancel()
                await asyncio.wait({reading})

    async def _read(self) -> None:
        while (line := await self._program.hear()) is not None:
            if "player" in line:
                hear = self._hearers.get(line["player"])
                if hear is not None:
                    hear(line["heard"])
                continue
            call = self._calls.pop(line["call"])
            if not call.done():
                call.set_result(line)

    async def ask(self, player: str, deed: str, **details: Any) -> dict[str, Any]:
        """Have *player* do something; return ``{"value": ...}`` or ``{"error": ...}``."""
        number = next(self._ids)
        self._calls[number] = future = asyncio.get_running_loop().create_future()
        self._program.tell({"call": number, "player": player, "deed": deed, **details})
        answer: dict[str, Any] = await future
        return answer

    def listen(self, player: str, hear: Callable[[list[Any]], None]) -> None:
        """Call *hear* with all that *player* hears."""
        self._hearers[player] = hear

    def forget(self, player: str) -> None:
        """Listen to *player* no more."""
        self._hearers.pop(player, None)
