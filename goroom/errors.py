"""
Everything that goroom raises on purpose.

::

    GoroomError
    ├── Refused                 this request fails, the client is told, the connection stays
    │   ├── UnknownApplication      1
    │   ├── NotLoggedIn             2
    │   ├── LoginRefused            3
    │   ├── AlreadyLoggedIn         4
    │   ├── RoomNameInvalid         6
    │   ├── RoomNotFound            7
    │   ├── AlreadyJoined           8
    │   ├── NotInRoom               9
    │   ├── InvalidEvent           10
    │   ├── RoomFull               20
    │   ├── BadRequest             21
    │   ├── UnknownAction          22
    │   ├── TooLarge               24
    │   ├── RoomExists             25
    │   ├── NotAllowed             26
    │   ├── TimedOut               27
    │   ├── AlreadyDone            28
    │   ├── Busy                   29
    │   ├── UnknownToken           30
    │   ├── HandlerFailed         500
    │   └── Stopping                    the server stops: dropped unanswered
    ├── Disconnect              this application's part of the connection ends
    ├── PayloadError            the author's own value cannot be sent (a ValueError too)
    ├── TurnOver                a send from a turn that has run into its time limit
    ├── RequestRefused          client side: the server answered a request with an error
    └── ConnectionLost          client side: the login is over, or what was asked is lost

Programmer errors are plain ``TypeError``, ``ValueError`` and ``RuntimeError``, raised early.
"""

from __future__ import annotations

SUCCESS = 200
"""`code` of a frame that reports success (goroomserver's number)."""
SERVER_ERROR = 500
"""`code` of every frame that reports a failure, and the error code of a failed handler."""

FIRST_AUTHOR_CODE = 1000
"""Error codes of applications start here; goroom's own stay below it."""

AUTHOR_CLOSE_CODES = range(4000, 5000)
"""Close codes that `Disconnect` may have (RFC 6455 section 7.4.2: private use)."""

ERROR_TEXTS: dict[int, str] = {
    1: "App name is invalid",
    2: "User unavailable in app",
    3: "User login error",
    4: "User already logged in to app",
    5: "User logout error",
    6: "Room name provided is invalid",
    7: "Room does not exist in app",
    8: "User has already joined the room",
    9: "User is not available in the room",
    10: "Invalid event provided",
    11: "There is an error with disconnection",
    12: "There is an error while joining room",
    13: "There is an error leaving the room",
    20: "Room is full",
    21: "Bad request",
    22: "Unknown action",
    23: "Rate limited",
    24: "Too large",
    25: "Room already exists",
    26: "Not allowed",
    27: "Timed out",
    28: "Already done",
    29: "Busy",
    30: "Unknown token",
    SERVER_ERROR: "Server Error",
}
"""Text of each error code. 1-13 and 500 are goroomserver's, word for word."""

ERROR_REASONS: dict[int, str] = {
    1: "unknown_application",
    2: "not_logged_in",
    3: "login_refused",
    4: "already_logged_in",
    5: "logout_refused",
    6: "room_name_invalid",
    7: "room_not_found",
    8: "already_joined",
    9: "not_in_room",
    10: "invalid_event",
    11: "disconnect_refused",
    12: "join_refused",
    13: "leave_refused",
    20: "room_full",
    21: "bad_request",
    22: "unknown_action",
    23: "rate_limited",
    24: "too_large",
    25: "room_exists",
    26: "not_allowed",
    27: "timed_out",
    28: "already_done",
    29: "busy",
    30: "unknown_token",
    SERVER_ERROR: "server_error",
}
"""Name of each error code for programs: stable, where a text may be reworded."""


class GoroomError(Exception):
    """Base of everything that goroom raises on purpose."""


class Refused(GoroomError):  # noqa: N818 -- what the author says, not a fault of the code
    """
    The request is refused: its client is told why, its connection stays, nothing else happens.

    Raise it, or a subclass with class attributes ``code`` and ``reason``, from any handler.
    Without a code it takes the code of the event it refuses (3 for a LOGIN, 12 for a JOIN_ROOM,
    26 for a message ...), without a message that code's text.

    Args:
        message: What the client is told, word for word; never put secrets or reprs in it.
        code: Error code, from 1000 up for an application's own.
        reason: A short snake_case name for programs, stable across rewordings.
        field: Path of the offending field in the request's data, such as ``moves[1].square``.
    """

    code: int | None = None
    """Error code of this refusal; None takes that of the event it refuses."""
    reason: str = ""
    """Name of this refusal for programs; ``""`` takes that of its code."""

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        reason: str | None = None,
        field: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if reason is not None:
            self.reason = reason
        self.field = field

    def described(self, default: int) -> ErrorDescription:
        """Return what the client is told, *default* being the code where none was given."""
        code = default if self.code is None else self.code
        return ErrorDescription(
            code,
            self.message or ERROR_TEXTS.get(code, ""),
            self.reason or ERROR_REASONS.get(code, ""),
            self.field,
        )


class ErrorDescription:
    """An error as a client sees it: ``code``, ``message``, ``reason``, ``field``."""

    __slots__ = ("code", "field", "message", "reason")

    def __init__(self, code: int, message: str, reason: str, field: str = "") -> None:
        self.code = code
        self.message = message
        self.reason = reason
        self.field = field

    @classmethod
    def of(cls, code: int, field: str = "") -> ErrorDescription:
        """Return the description of one of goroom's own codes."""
        return cls(code, ERROR_TEXTS[code], ERROR_REASONS[code], field)


class UnknownApplication(Refused):
    """The frame names no application of this server. The client should correct ``appName``."""

    code, reason = 1, "unknown_application"


class NotLoggedIn(Refused):
    """The connection is not logged in to the application. The client should LOGIN first."""

    code, reason = 2, "not_logged_in"


class LoginRefused(Refused):
    """The application's ``on_login`` refused. The client should ask for other credentials."""

    code, reason = 3, "login_refused"


class AlreadyLoggedIn(Refused):
    """This connection is logged in already, or the name is taken. Choose another name."""

    code, reason = 4, "already_logged_in"


class RoomNameInvalid(Refused):
    """No room name, or a blank one. The client should send ``data.roomName``."""

    code, reason = 6, "room_name_invalid"


class RoomNotFound(Refused):
    """The application has no room of this name. The client should list the rooms again."""

    code, reason = 7, "room_not_found"


class AlreadyJoined(Refused):
    """The user is a member already. The client has nothing to do."""

    code, reason = 8, "already_joined"


class NotInRoom(Refused):
    """The user is not a member of the room. The client should JOIN_ROOM first."""

    code, reason = 9, "not_in_room"


class InvalidEvent(Refused):
    """No client may send this ``eventType``. The client is at fault."""

    code, reason = 10, "invalid_event"


class RoomFull(Refused):
    """The room is at its capacity. The client may try another, or watch this one."""

    code, reason = 20, "room_full"


class BadRequest(Refused):
    """The frame or a field of it cannot be read; ``field`` says which. The client is at fault."""

    code, reason = 21, "bad_request"


class UnknownAction(Refused):
    """Nobody handles messages of this name here. The client should check its spelling."""

    code, reason = 22, "unknown_action"


class TooLarge(Refused):
    """A value inside a readable frame is over its limit. The client should send less."""

    code, reason = 24, "too_large"


class RoomExists(Refused):
    """A room of this name exists. The client should join it, or choose another name."""

    code, reason = 25, "room_exists"


class NotAllowed(Refused):
    """
    Not for this user, or not now.

    ``reason`` says why: ``locked``, ``wrong_password``, ``quota`` ...
    """

    code, reason = 26, "not_allowed"


class TimedOut(Refused):
    """A handler ran into its time limit; nothing of it took effect. The client may try again."""

    code, reason = 27, "timed_out"


class AlreadyDone(Refused):
    """A request of this ``id`` was handled, its reply is forgotten. Nothing is left to do."""

    code, reason = 28, "already_done"


class Busy(Refused):
    """Too many requests wait for this room or user. The client should try again later."""

    code, reason = 29, "busy"


class UnknownToken(Refused):
    """The resume token is unknown or was used. The client should log in again."""

    code, reason = 30, "unknown_token"


class HandlerFailed(Refused):
    """A handler failed. The server is at fault and has the details in its log."""

    code, reason = SERVER_ERROR, "server_error"


class Stopping(Refused):
    """The server stops. The client is not answered; it sees 1001 and should come back later."""


class Disconnect(GoroomError):  # noqa: N818 -- an instruction of the author's, as Refused is
    """
    End this application's part of the connection; the socket closes if it is in no other.

    Raise it from any handler. The client sees a DISCONNECTION with this code and message.

    Args:
        code: Close code, 4000-4499 for "come back", 4500-4999 for "do not".
        message: What the client is told.

    Raises:
        ValueError: *code* is outside 4000-4999.
        TypeError: *message* is no text.
    """

    def __init__(self, code: int = 4500, message: str = "") -> None:
        if code not in AUTHOR_CLOSE_CODES:
            raise ValueError(f"a close code is 4000-4999, not {code}")
        if not isinstance(message, str):
            raise TypeError(f"a message is text, not {message!r}")
        super().__init__(code, message)
        self.code = code
        self.message = message


class PayloadError(GoroomError, ValueError):
    """The author's own value cannot be sent as JSON. Nothing was sent; mend the value."""


class TurnOver(GoroomError, RuntimeError):  # noqa: N818 -- names the state, not a fault
    """The handler ran into its time limit: what it sends now cannot take effect any more."""


class RequestRefused(GoroomError):  # noqa: N818 -- the server's refusal, seen by a client
    """
    Client side: the server answered a request with an error.

    Attributes:
        code: The error's number (``ERROR_TEXTS``; an application's own from 1000).
        reason: Its name for programs.
        message: Its text for people.
        field: Path of the field at fault, or ``""``.
        data: The data that the server sent along.
    """

    def __init__(
        self,
        code: int,
        message: str = "",
        *,
        reason: str = "",
        field: str = "",
        data: dict[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.field = field
        self.data = data or {}


class ConnectionLost(GoroomError):  # noqa: N818 -- a state of the link
    """
    Client side: there is no link, and none comes back; ``code`` and ``reason`` say why.

    The login is over, by a close code or by the error that refused it on the way back; or what was
    asked is lost with a login that could not be resumed, and whether it was done is not known.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"the connection is closed ({code} {reason})".replace(" )", ")"))
        self.code = code
        self.reason = reason
