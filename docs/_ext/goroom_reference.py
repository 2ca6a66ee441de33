"""
The tables of the reference, made from the code when Sphinx builds.

Each function returns one table in Markdown. What the code does not say (who is at fault, what a log
event means) stands in the dictionaries here; an entry too many or too few fails the build, and so
does whoever adds an error code, a close code, a limit or a log event and says nothing about it.
"""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import goroom
from goroom import errors
from goroom.errors import Refused
from goroom.limits import Limits
from goroom.messages import EventType

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SOURCES = Path(goroom.__file__).parent

CODES_WITHOUT_A_CLASS = {
    5: "``on_logout`` refused. The user stays logged in.",
    11: "The application's ``on_disconnect`` refused. The user stays logged in.",
    12: "``on_join`` refused. The client may try another room.",
    13: "``on_leave`` refused. The user stays a member.",
    23: "Not sent yet: it is kept for rate limits.",
}
"""What the codes mean that no exception class stands for."""

CLOSE_CODES = {
    1000: ("Closed as the client asked.", "as it likes"),
    1001: ("The server stops.", "yes, later"),
    1007: ("A text frame was no UTF-8.", "no: mend the client"),
    1009: ("A message was over `Limits.message_bytes`.", "yes"),
    1011: ("The server could not read or write a message in this dialect.", "yes"),
    4001: ("Logged in nowhere for `Limits.login_seconds`.", "yes, and log in"),
    4010: ("``slow_consumer``: it did not read what it was sent.", "yes"),
    4500: ("The server ended the login: a kick, or `Disconnect` without a code.", "no"),
    4501: ("``on_connect`` refused, on an endpoint bound to one application.", "no"),
    4502: ("``Limits.bad_requests`` frames answered 21 within a minute.", "no: mend the client"),
    4509: ("A newer login of its name took over, or its own client came back elsewhere.", "no"),
}
"""What each close code of the server means, and whether to come back."""

SCOPES = {
    "endpoint": {
        "message_bytes", "outbox_frames", "outbox_bytes", "close_seconds", "login_seconds",
        "ping_seconds", "pong_seconds", "bad_requests",
    },
    "application": {
        "handler_seconds", "stuck_seconds", "held_loop_seconds", "lane_waiting",
        "name_characters", "rooms_per_application", "unjoined_room_seconds", "listed_members",
        "properties_bytes", "password_characters", "room_updates_per_second", "resume_seconds",
        "history_events", "history_bytes", "history_seconds", "kept_replies", "kept_reply_bytes",
        "away_logins",
    },
    "server": {"drain_seconds", "threads"},
}  # fmt: skip
"""Whose `Limits` count for each limit."""

UNITS = ("bytes", "seconds", "characters", "frames")
"""Units that end a limit's name; any other limit is a number of what its name says."""

LOG_EVENTS = {
    "bad_requests_closed": "A connection sent too many frames that cannot be read (4502).",
    "client_login_failed": "A login of `goroom.client` could not come back, as without its "
    "`credentials`; it tries again.",
    "client_reader_failed": "A fault in `goroom.client` while it read; its link is closed.",
    "client_writer_failed": "A fault in `goroom.client` while it wrote; its link is closed.",
    "commit_call_failed": "What an author gave to `Turn.on_commit` raised; the turn took effect.",
    "connections_stuck": "The server stopped though handlers kept some connections.",
    "conn_failed": "A `goroom.Conn` of an author raised what is no `OSError`; it is closed.",
    "dialect_failed": "A dialect raised while it read or wrote; its connections are closed (1011).",
    "handler_failed": "A handler raised something that is no refusal; the client sees 500.",
    "handler_stuck": "A handler that ran out of time never ended; others wait for it no more.",
    "handler_timed_out": "A handler ran into its time limit; nothing of it took effect (27).",
    "loop_held": "A handler kept the event loop; everybody else waited for it.",
    "move_refused": "A `User.move_to` could not be done; the user was told.",
    "origin_refused": "A page of another origin wanted to connect; it saw 403.",
    "pong_missing": "A peer did not answer a ping in time; its socket is aborted.",
    "reading_failed": "A fault in goroom while a message was read or handled; it is closed (1011).",
    "refusal_ignored": "A hook refused where a refusal does not count.",
    "request_refused": "A tolerant dialect's client was refused; the first few a minute of each.",
    "room_closed": "A room ended.",
    "room_made": "A room was made and can be seen.",
    "room_stuck": "A handler that ran out of time never ended; its room is closed.",
    "server_started": "Every application's ``init`` has run.",
    "server_stopped": "Every user has ended and every connection is closed.",
    "slow_consumer_closed": "A peer did not read what it was sent; it is closed (4010).",
    "task_failed": "Work of the server's own failed; please report it.",
    "tasks_left": "The process ended though tasks had swallowed their cancellation: their names.",
    "tasks_stuck": "The server stopped though tasks of its own had not ended.",
    "threads_stuck": "The server stopped though ``blocking`` handlers still ran in threads.",
    "away_login_ended": "`Limits.away_logins` were waiting to be resumed: the longest away ended.",
    "user_dropped": "A connection was lost whose login may be resumed; its grace time runs.",
    "user_logged_in": "A login was accepted.",
    "user_logged_out": "A login ended, whatever ended it.",
    "user_resumed": "A login went on over another connection, which got what it had missed.",
}
"""What each log event says happened."""

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error",
          "exception": "error"}  # fmt: skip
LANE = "*lane*"
"""Stands for the labels of a lane: see the page."""

SPREAD = {
    "self.lane.labels": (LANE,),
    "turn.lane.labels": (LANE,),
    "self._labels": ("`connection`", "`remote`"),
    "self._labels()": ("`connection`", "`remote`"),
}
"""The keys behind each ``**labels`` in a line that logs."""


def error_codes() -> str:
    """Return the table of error codes: number, reason, text, meaning."""
    classes = {
        one.code: one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, Refused) and one.code is not None
    }
    _compare("error code", set(errors.ERROR_TEXTS), {*classes, *CODES_WITHOUT_A_CLASS})
    rows = [
        (
            str(code),
            f"`{errors.ERROR_REASONS[code]}`",
            text,
            _first_words(classes[code]) if code in classes else CODES_WITHOUT_A_CLASS[code],
        )
        for code, text in errors.ERROR_TEXTS.items()
    ]
    return _table(("code", "reason", "text", "what it says"), rows)


def close_codes() -> str:
    """Return the table of the close codes that goroom itself sends."""
    _compare("close code", set(close_codes_in_the_code()), set(CLOSE_CODES))
    rows = [(str(code), *words) for code, words in sorted(CLOSE_CODES.items())]
    return _table(("code", "what happened", "should the client come back?"), rows)


def close_codes_in_the_code() -> Iterator[int]:
    """Yield the constants of the server that are close codes (RFC 6455 section 7.4)."""
    for path in sorted(SOURCES.rglob("*.py")):
        if path.name == "errors.py" or path.relative_to(SOURCES).parts[0] in {"client", "testing"}:
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and type(node.value.value) is int
                and not ast.unparse(node.targets[0]).lower().endswith(UNITS)
                and (1000 <= node.value.value < 1016 or 4000 <= node.value.value < 5000)  # noqa: PLR2004
            ):
                yield node.value.value


def limits() -> str:
    """Return the table of limits: name, default, unit, whose it is, what for."""
    scopes = {name: scope for scope, names in SCOPES.items() for name in names}
    fields = {field.name: field for field in attrs.fields(Limits)}
    _compare("limit", set(fields), set(scopes))
    told = attribute_docstrings(Limits)
    rows = []
    for name, field in fields.items():
        unit = next((unit for unit in UNITS if name.endswith(unit)), "number")
        default = "off" if field.default is None else f"{field.default:,}"
        rows.append((f"`{name}`", default, unit, scopes[name], told[name]))
    return _table(("limit", "default", "unit", "set for", "what it bounds"), rows)


def attribute_docstrings(cls: type) -> dict[str, str]:
    """Return the docstring under each attribute of *cls*."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 -- what the source of a class is
    found = {}
    for node, after in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[node.target.id] = inspect.cleandoc(str(after.value.value))
    return found


def event_types() -> str:
    """Return the table of the numbers of events."""
    rows = [(str(int(event)), f"`{event.name}`", event.text) for event in EventType]
    return _table(("eventType", "name", "for people"), rows)


def log_events() -> str:
    """Return the table of log events: name, level, keys, meaning."""
    found = log_events_in_the_code()
    _compare("log event", set(found), set(LOG_EVENTS))
    rows = []
    for name, (level, keys) in sorted(found.items()):
        rows.append((f"`{name}`", level, ", ".join(keys), LOG_EVENTS[name]))
    return _table(("event", "level", "keys", "what happened"), rows)


def log_events_in_the_code() -> dict[str, tuple[str, list[str]]]:
    """Return level and keys of each event that a ``log.<level>(...)`` in goroom writes."""
    found: dict[str, tuple[str, list[str]]] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and ast.unparse(node.func.value) == "log"
            ):
                continue
            name = ast.literal_eval(node.args[0])
            keys = ["`traceback`"] if node.func.attr == "exception" else []
            for keyword in node.keywords:
                if keyword.arg is None:
                    keys += SPREAD[ast.unparse(keyword.value)]
                else:
                    keys.append("`traceback`" if keyword.arg == "exc_info" else f"`{keyword.arg}`")
            found[name] = LEVELS[node.func.attr], keys
    return found


def _compare(what: str, in_code: AbstractSet[object], in_words: AbstractSet[object]) -> None:
    here = Path(__file__).name
    for one in in_code - in_words:
        raise LookupError(f"{what} {one} is in the code: say in docs/_ext/{here} what it means")
    for one in in_words - in_code:
        raise LookupError(f"{what} {one} is in docs/_ext/{here} and no more in the code")


def _first_words(cls: type) -> str:
    """Return the docstring of *cls* as one paragraph."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split())


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in Markdown; docstrings' ``x`` and `x` both become code."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("``", "`").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


class Generated(SphinxDirective):
    """Puts what a function of this module returns where the page asks for it."""

    table: ClassVar[Callable[[], str]]

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the table."""
        self.env.note_dependency(__file__)
        try:
            table = type(self).table()
        except LookupError as error:
            return [self.state.document.reporter.error(str(error), line=self.lineno)]
        return self.parse_text_to_nodes(table)


class Help(SphinxDirective):
    """Shows what ``goroom <command> --help`` prints."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a block with the text."""
        printed = subprocess.run(  # noqa: S603 -- our own program, a word of our own pages
            [sys.executable, "-m", "goroom", self.arguments[0], "--help"],
            env={**os.environ, "COLUMNS": "92"},
            capture_output=True,
            check=True,
            text=True,
        )
        return [nodes.literal_block(printed.stdout, printed.stdout, language="text")]


TABLES: Mapping[str, Callable[[], str]] = {
    "goroom-error-codes": error_codes,
    "goroom-close-codes": close_codes,
    "goroom-event-types": event_types,
    "goroom-limits": limits,
    "goroom-log-events": log_events,
}
"""The directives, by name."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx the directives."""
    app.add_directive("goroom-help", Help)
    for name, table in TABLES.items():
        directive = type("Generated", (Generated,), {"table": staticmethod(table)})
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
