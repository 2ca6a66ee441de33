"""What holds for every test: requirements, Hypothesis' profiles, and no task left behind."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import AsyncIterator, Callable, Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import pytest
import structlog

from goroom import Server
from goroom.testing import Stage
from tests.diary import Diary, make_server
from tests.postgres import postgres, postgres_url
from tests.requirements import missing, required

__all__ = ["postgres", "postgres_url"]  # fixtures

ROOT = Path(__file__).parent.parent

hypothesis.settings.register_profile("default", deadline=None, max_examples=100, print_blob=True)
# Other sequences each time: the seed is pytest-randomly's, in the header.
hypothesis.settings.register_profile(
    "ci", deadline=None, max_examples=1500, derandomize=False, print_blob=True, database=None
)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default")
)


def pytest_configure() -> None:
    """Let Ctrl+C work: a program in a script's background ignores it, and its children do."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "GOROOM_TEST_COMPILED" in os.environ:
        for path in (ROOT / "compiling/modules.txt").read_text("utf-8").split():
            module = import_module(path.removesuffix(".py").replace("/", "."))
            file = Path(module.__file__ or "")
            if file.suffix == ".py" or not file.is_relative_to(ROOT):
                raise pytest.UsageError(f"GOROOM_TEST_COMPILED is set, and this is {file}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give Hypothesis the seed that pytest-randomly prints, so that one number repeats a run."""
    seed = config.getoption("randomly_seed", default=None)
    for item in items:
        function = getattr(item, "function", None)
        if seed is not None and function is not None and hasattr(function, "hypothesis"):
            hypothesis.seed(seed)(function)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test by the name of what it lacks."""
    for marker in item.iter_markers("requires"):
        for name in marker.args:
            if reason := missing(name):
                pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skip a failure where GOROOM_TEST_REQUIRE is set."""
    report = yield
    if required() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, and GOROOM_TEST_REQUIRE allows no skip\n" + str(
            report.longrepr
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Make a skipped module a failure where GOROOM_TEST_REQUIRE is set."""
    report = yield
    if required() and report.skipped:
        report.outcome = "failed"
        report.longrepr = "skipped, and GOROOM_TEST_REQUIRE allows no skip\n" + str(report.longrepr)
    return report


@pytest.fixture
def diary() -> Diary:
    """What the hooks of `hall` write to, and ask what to do."""
    return Diary()


@pytest.fixture
async def hall(diary: Diary) -> AsyncIterator[Stage]:
    """A server that keeps `diary`, on a stage."""
    async with Stage(make_server(diary)) as stage:
        yield stage


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps no connection alive after a response."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as opened:
        yield opened


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncIterator[Callable[..., Any]]:
    """Start a server on a free port and return its URL without a path; stop it at the end."""
    started = []

    async def begin(server: Server, **options: Any) -> str:
        started.append(server)
        return f"http://127.0.0.1:{await server.start('127.0.0.1', 0, **options)}"

    yield begin
    for server in started:
        await server.stop()


@pytest.fixture
async def _no_task_is_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    for _ in range(10):  # a cancelled task needs a turn of the loop or two to end
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    pytest.fail("tasks left behind: " + ", ".join(sorted(map(repr, left))), pytrace=False)


@pytest.fixture(autouse=True)
def logs_are_as_they_were() -> Generator[None, None, None]:
    """Forget how a test has set up the logs: its stream is closed when it ends."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_task_is_left(request: pytest.FixtureRequest) -> None:
    """Fail a coroutine test that leaves tasks on its loop."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_no_task_is_left")
