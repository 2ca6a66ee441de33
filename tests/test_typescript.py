"""TypeScript of the messages: the text itself, and what the compiler makes of it."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import re
import shutil
import subprocess
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, NewType, TypeVar

import attrs
import lobby
import pytest
from typing_extensions import TypeAliasType, TypedDict

import goroom
from goroom import ApplicationExtension, Request, RoomExtension, Server, User, handles, values
from goroom.typescript import pascal_case, written

COMPILER = Path(__file__).parent / "js" / "node_modules" / ".bin" / "tsc"
OPTIONS = ("--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")

T = TypeVar("T")
UserId = NewType("UserId", int)
Words = TypeAliasType("Words", list[str])


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Rank(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    SPEAK = 1
    KICK = 2


class Odd(enum.Enum):
    PAIR = (1, 2)


class Square(NamedTuple):
    column: int
    row: str


class Note(TypedDict, total=False):
    text: str


@attrs.frozen
class Move:
    """
    Where a mark goes, with ``x`` and */.

    It is checked.
    """

    square: int
    """0 is top left."""
    colour: Colour = Colour.RED


@attrs.frozen
class Plan:
    moves: list[Move]


@attrs.frozen
class Page(Generic[T]):
    items: list[T]
    more: Page[T] | None = None


@attrs.frozen
class Win:
    by: str


@attrs.frozen
class Draw:
    why: Literal["full", "agreed"]


class Board(RoomExtension):
    """A board."""

    sends: ClassVar[Mapping[str, Any]] = {"moved": Move, "said": dict[str, str]}

    @handles("move", Move)
    def move(self, user: User, move: Move) -> None:
        """
        Put a mark.

        The rest is not told.
        """

    @handles("result")
    async def result(self, user: User) -> Win | Draw | None:
        return None


class Chess(Board):
    sends: ClassVar[Mapping[str, Any]] = {"said": None, "check-mate": Win}

    @handles("plan", Plan)
    def plan(self, user: User, plan: Plan) -> Awaitable[Page[int]]:
        raise NotImplementedError


class Desk(ApplicationExtension):
    """The desk. It is one."""

    def on_message(self, user: User, request: Request) -> object:
        return None


def made(server: Server) -> str:
    """Return the types of *server*."""
    return written(server.applications, title="test.py")


def interface(text: str, name: str) -> str:
    """Return the lines of the interface *name* in *text*."""
    _, _, rest = text.partition(f"export interface {name} {{\n")
    body, end, _ = rest.partition("\n}\n")
    assert end, f"no {name} in {text}"
    return body


def compiled(folder: Path, types: str, uses: str) -> str:
    """Return what the compiler says of *uses*, a module beside that of *types*."""
    (folder / "messages.ts").write_text(types)
    (folder / "uses.ts").write_text(uses)
    done = subprocess.run(
        [COMPILER, "--strict", "--noEmit", *OPTIONS, "uses.ts"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def sending(annotation: Any) -> Server:
    """Return a server whose application sends ``it``."""

    class Sender(ApplicationExtension):
        sends = {"it": annotation}  # noqa: RUF012 -- never changed

    server = Server()
    server.add_application("test", Sender)
    return server


def test_the_text_is_one_interface_for_each_application() -> None:
    server = Server()
    server.add_application("chess", Desk, rooms={"board": Chess})

    expected = """\
// The messages of test.py, as `goroom types --ts` writes them: change the Python classes instead.

/** What arrives where a handler returns None, or a message has no data: an empty object. */
export type Nothing = Record<string, never>

export interface Applications {
  chess: Chess
}

/** The desk. It is one. */
export interface Chess {
  app: {
    sends: {
      [action: string]: any
    }
    takes: {
      [action: string]: { data: any, reply: any }
    }
  }
  rooms: {
    board: {
      sends: {
        moved: Move
        said: Nothing
        "check-mate": Win
      }
      takes: {
        /** Put a mark. */
        move: { data: MoveInput, reply: Nothing }
        result: { data: undefined, reply: Win | Draw | Nothing }
        plan: { data: Plan, reply: PageInt }
      }
    }
  }
}

/**
 * Where a mark goes, with `x` and *\\/.
 *
 * It is checked.
 */
export interface Move {
  /** 0 is top left. */
  square: number
  colour: "red" | "blue"
}

export interface Win {
  by: string
}

/**
 * Where a mark goes, with `x` and *\\/.
 *
 * It is checked.
 */
export interface MoveInput {
  /** 0 is top left. */
  square: number
  colour?: "red" | "blue"
}

export interface Draw {
  why: "full" | "agreed"
}

export interface Plan {
  moves: MoveInput[]
}

export interface PageInt {
  items: number[]
  more: PageInt | null
}
"""
    assert expected == made(server)


def test_the_same_applications_give_the_same_text() -> None:
    texts = set()
    for _ in range(3):
        server = Server()
        server.add_application("chess", Desk, rooms={"board": Chess, "other": Board})
        texts.add(made(server))

    assert 1 == len(texts)


def test_a_class_that_is_only_taken_keeps_its_name() -> None:
    class Taker(ApplicationExtension):
        @handles("move", Move)
        def move(self, user: User, move: Move) -> None: ...

    server = Server()
    server.add_application("test", Taker)

    assert "      move: { data: Move, reply: Nothing }" in made(server)
    assert "  colour?:" in interface(made(server), "Move")


def test_what_declares_nothing_sends_anything_and_takes_nothing() -> None:
    server = Server()
    server.add_application("bare")

    assert """\
  app: {
    sends: {
      [action: string]: any
    }
    takes: {
    }
  }""" in interface(made(server), "Bare")


def test_the_words_of_goroom_itself_are_not_told() -> None:
    server = Server()
    server.add_application("bare")

    assert "The rules of" not in made(server)


PAIRS: list[tuple[Any, str, list[Any]]] = [
    (bool, "boolean", [True]),
    (int, "number", [1]),
    (float, "number", [1.5]),
    (str, "string", ["a"]),
    (bytes, "string", [b"a"]),
    (dt.datetime, "string", [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]),
    (dt.date, "string", [dt.date(2026, 1, 1)]),
    (dt.time, "string", [dt.time(1)]),
    (dt.timedelta, "string", [dt.timedelta(1)]),
    (decimal.Decimal, "string", [decimal.Decimal("1.5")]),
    (uuid.UUID, "string", [uuid.UUID(int=1)]),
    (int | None, "number | Nothing", [1, None]),
    (list[int | None], "(number | null)[]", [[1, None]]),
    (list[list[str]], "string[][]", [[["a"]]]),
    (list, "unknown[]", [[1, "a"]]),
    (tuple[int, str], "[number, string]", [(1, "a")]),
    (tuple[int, ...], "number[]", [(1, 2)]),
    (tuple, "unknown[]", [(1, "a")]),
    (set[int], "number[]", [{1}]),
    (frozenset[int], "number[]", [frozenset({1})]),
    (Square, "unknown[]", [Square(1, "a")]),
    (Sequence[int], "number[]", [[1]]),
    (dict[str, list[int]], "Record<string, number[]>", [{"a": [1]}]),
    (dict[int, str], "Record<string, string>", [{1: "a"}]),
    (Mapping[str, int], "Record<string, number>", [{"a": 1}]),
    (dict, "Record<string, unknown>", [{"a": 1}]),
    (list[Literal["a", 1, True] | None], '("a" | 1 | true | null)[]', [["a", 1, True, None]]),
    (Literal['"\n'], '"\\"\\n"', ['"\n']),
    (Colour, '"red" | "blue"', [Colour.RED]),
    (Rank, "1 | 2", [Rank.LOW]),
    (Rights, "number", [Rights.SPEAK, Rights.SPEAK | Rights.KICK]),
    (Odd, "unknown", [Odd.PAIR]),
    (Annotated[int, "counted"], "number", [1]),
    (UserId, "number", [UserId(1)]),
    (Words, "string[]", [["a"]]),
    (Note, "Note", [{"text": "a"}, {}]),
    (Page[Move], "PageMove", [Page([Move(1)], Page([]))]),
    (Page[Page[str]], "PagePageStr", [Page([Page(["a"])])]),
    (Win | Draw, "Win | Draw", [Win("ada"), Draw("full")]),
    (Any, "unknown", [1]),
    (object, "unknown", [1]),
    (int | Any, "unknown", ["a"]),
    (Path, "unknown", []),
    ("Move", "unknown", []),
]
"""Annotations, their TypeScript, and values that are of them."""


@pytest.mark.parametrize(("annotation", "expected"), [pair[:2] for pair in PAIRS])
def test_an_annotation_is_a_type(annotation: Any, expected: str) -> None:
    assert f"      it: {expected}\n" in made(sending(annotation))


@pytest.mark.requires("node")
def test_what_is_really_sent_is_of_the_type(tmp_path: Path) -> None:
    class Sender(ApplicationExtension):
        sends = {f"it{number}": pair[0] for number, pair in enumerate(PAIRS)}  # noqa: RUF012

    server = Server()
    server.add_application("test", Sender)
    uses = "\n".join(
        f"export const value{number}_{nth}: Test['app']['sends']['it{number}'] = "
        + values.encode(value).decode()
        for number, (_, _, examples) in enumerate(PAIRS)
        for nth, value in enumerate(examples)
    )

    assert "" == compiled(
        tmp_path, made(server), f"import type {{ Test }} from './messages'\n{uses}"
    )


USES = """
import type { Applications, Chess, MoveInput } from './messages'
type Takes = Chess['rooms']['board']['takes']
type Sends = Applications['chess']['rooms']['board']['sends']

export const move: Takes['move']['data'] = { square: 4 }
export const plan: Takes['plan']['data'] = { moves: [move, { square: 5, colour: 'blue' }] }
export const nothing: Takes['result']['data'] = undefined
export const moved: Sends['moved'] = { square: 4, colour: 'red' }
export const draw: Takes['result']['reply'] = { why: 'agreed' }
export const anything: Chess['app']['sends']['whatever'] = 7
export const optional: MoveInput = { square: 1, colour: undefined }

// @ts-expect-error a field is missing
export const a: Takes['move']['data'] = {}
// @ts-expect-error a field is of another type
export const b: Takes['move']['data'] = { square: '4' }
// @ts-expect-error no such value
export const c: Takes['move']['data'] = { square: 4, colour: 'green' }
// @ts-expect-error no such field
export const d: Takes['move']['data'] = { square: 4, mark: 'x' }
// @ts-expect-error what is received has each field
export const e: Sends['moved'] = { square: 4 }
// @ts-expect-error no such message is sent
export type F = Sends['bored']
// @ts-expect-error no such message is taken
export type G = Takes['moved']
// @ts-expect-error no data
export const h: Takes['result']['data'] = { square: 4 }
// @ts-expect-error an empty object
export const i: Takes['move']['reply'] = { square: 4 }
// @ts-expect-error no such kind
export type J = Chess['rooms']['table']
// @ts-expect-error no such application
export type K = Applications['go']
"""


@pytest.mark.requires("node")
def test_the_compiler_tells_right_uses_from_wrong_ones(tmp_path: Path) -> None:
    server = Server()
    server.add_application("chess", Desk, rooms={"board": Chess})

    assert "" == compiled(tmp_path, made(server), USES)


CLIENT_USES = """
import { connect } from './goroom.js'
import type { Chess } from './messages'

const app = await connect<Chess>('ws://localhost/', { app: 'chess', name: 'ada' })
app.onMessage('whatever', (data) => data.any.thing)
app.send('anything', { at: 'all' })
const room = await app.joinOrCreate('board')
room.on('moved', ({ square, colour }, from) => square + colour.length + from.length)
room.send('move', { square: 4 })
room.send('result')
const result = await room.request('result')
export const winner: string = 'by' in result ? result.by : ''
export const items: number[] = (await room.request('plan', { moves: [] })).items

// @ts-expect-error no such message is sent
room.on('bored', () => {})
// @ts-expect-error no such message is taken
room.send('mov', { square: 4 })
// @ts-expect-error a field is of another type
room.send('move', { square: '4' })
// @ts-expect-error the data is missing
room.send('move')
// @ts-expect-error it has no such field
room.on('moved', ({ column }) => column)
// @ts-expect-error no such kind
await app.joinOrCreate('table')
"""


@pytest.mark.requires("node")
def test_the_client_checks_its_messages_by_the_types(tmp_path: Path) -> None:
    shutil.copy(Path(goroom.__file__).parent / "static" / "goroom.d.ts", tmp_path)
    server = Server()
    server.add_application("chess", Desk, rooms={"board": Chess})

    assert "" == compiled(tmp_path, made(server), CLIENT_USES)


def renamed(name: str, module: str = "games.chess") -> type:
    """Return an attrs class called *name*."""
    made = attrs.make_class(name, {"there": attrs.field(type=int)})
    made.__module__ = module
    return made


def test_classes_of_one_name_get_distinct_names() -> None:
    first, second, third = renamed("Go"), renamed("Go"), renamed("Go")
    reserved, lower = renamed("Record"), renamed("_go_on")
    alike = renamed("Test")
    server = sending(tuple[first, second, third, reserved, lower, alike])  # type: ignore[valid-type]

    names = "[Go, ChessGo, Go2, ChessRecord, GoOn, ChessTest]"
    assert f"      it: {names}\n" in made(server)


@pytest.mark.requires("node")
def test_any_name_of_an_application_kind_or_message_compiles(tmp_path: Path) -> None:
    odd = ["tic-tac-toe", "tic tac toe", "2048", "日本", "!", '"', "class", "Applications", "\\"]

    class Sender(ApplicationExtension):
        sends = dict.fromkeys(odd, int)

    server = Server()
    for name in odd:
        server.add_application(name, Sender, rooms=dict.fromkeys(odd, RoomExtension))

    assert "" == compiled(tmp_path, made(server), "export * from './messages'")


def test_the_reference_shows_the_demos_types() -> None:
    page = Path(__file__).parent.parent / "docs/reference/command-line.md"
    (shown,) = re.findall(r"^```ts\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    assert shown in made(lobby.server())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tictactoe", "Tictactoe"),
        ("tic-tac_toe", "TicTacToe"),
        ("TicTacToe", "TicTacToe"),
        ("2048", "App2048"),
        ("日本", "日本"),
        ("!", "App"),
    ],
)
def test_names_are_made_fit(name: str, expected: str) -> None:
    assert expected == pascal_case(name)


def test_a_title_is_one_line() -> None:
    server = Server()

    text = written(server.applications, title="a\nb")

    assert text.startswith("// The messages of a b, as")
