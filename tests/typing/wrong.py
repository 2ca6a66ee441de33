"""Not run, and not right: what mypy refuses, line by line. `test_typing` counts on each."""

from __future__ import annotations

import attrs

from goroom import ApplicationExtension, LeaveReason, RoomExtension, Server, User, handles


@attrs.frozen
class Move:
    square: int


@attrs.frozen
class Drop:
    column: int


class Game(RoomExtension[list[str]]):
    @handles("move", Move)
    def move(self, user: User, move: Drop) -> None: ...  # WRONG: another payload

    @handles("again")
    def again(self, user: User, move: Move) -> None: ...  # WRONG: no payload was declared

    @handles("drop", Drop)
    def drop(self, user: str, drop: Drop) -> None: ...  # WRONG: a handler is given a User

    def on_leave(self, user: User) -> None: ...  # WRONG: on_leave is given the reason, too

    def init(self) -> None:
        self.state = {"a": 1}  # WRONG: the state is a list

    def on_join(self, user: User) -> None:
        self.room.broadcast("board", self.state, to=user)  # WRONG: no such keyword
        user.send(1)  # WRONG: an action is a string

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        self.state.append(1)  # WRONG: the list holds strings


server = Server()
server.add_application("game", Game)  # WRONG: a room's extension is no application's
server.add_application("game", ApplicationExtension, rooms={"table": Game()})  # WRONG: an instance
