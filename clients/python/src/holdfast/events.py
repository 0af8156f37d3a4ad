"""What a session hears, as values."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hello:
    """The session has begun, or begun anew: `kept` messages at most follow before live ones."""

    session: str
    user: str
    recovered: bool
    kept: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push: `data` as it was sent, or `bytes`; with its cursor if it is kept."""

    id: str
    data: Any
    topic: str | None
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something is missing, in the user's log or that of a topic, and why."""

    reason: str
    topic: str | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """A gap `store_away` is closed, but for the `kept` messages that follow."""

    cursor: str | None
    kept: int
    topic: str | None


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that the session is subscribed to; the rest if it is replayed."""

    name: str
    cursor: str | None
    recovered: bool | None
    kept: int | None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Subscribed from here on: by the token, the client or a backend."""

    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Not subscribed any more from here on."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A newer token is in force, until `exp` (seconds since 1970)."""

    exp: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A frame of this client was refused; the session lives on."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Left:
    """The session has ended, and another one is tried in `back_in` seconds."""

    reason: str
    back_in: float
    detail: str


Event = Hello | Pushed | Gap | Recovered | Subscribed | Unsubscribed | Refreshed | Failed | Left


def read(frame: dict[str, Any]) -> Event | None:
    """A frame of the server as an event; nothing for one that is the session's own, or unknown."""
    kind = frame.get("type")
    if kind == "push":
        data = b64decode(frame["data_base64"], validate=True) if "data_base64" in frame else frame.get("data")
        return Pushed(frame["id"], data, frame.get("topic"), frame.get("cursor"))
    if kind == "hello":
        cursor = frame.get("cursor")
        return Hello(frame["session"], frame["user"], frame["recovered"], frame["kept"], cursor)
    if kind == "gap":
        return Gap(frame["reason"], frame.get("topic"))
    if kind == "recovered":
        return Recovered(frame.get("cursor"), frame["kept"], frame.get("topic"))
    if kind == "subscribed":
        return Subscribed(tuple(topic(one) for one in frame["topics"]))
    return read_rarer(kind, frame)


def read_rarer(kind: str | None, frame: dict[str, Any]) -> Event | None:
    """The others."""
    if kind == "unsubscribed":
        return Unsubscribed(tuple(topic(one).name for one in frame["topics"]))
    if kind == "refreshed":
        return Refreshed(frame["exp"])
    if kind == "error":
        return Failed(frame["code"], frame.get("detail", ""))
    return None


def topic(said: str | dict[str, Any]) -> Topic:
    """One of the topics that a frame names."""
    if isinstance(said, str):
        return Topic(said, None, None, None)
    return Topic(said["topic"], said.get("cursor"), said.get("recovered"), said.get("kept"))


def cursors(event: Event) -> dict[str | None, str]:
    """The newest place of each log that an event tells: a topic's by its name, the user's by none."""
    if isinstance(event, Subscribed):
        return {one.name: one.cursor for one in event.topics if one.cursor is not None}
    if isinstance(event, Pushed | Recovered) and event.cursor is not None:
        return {event.topic: event.cursor}
    if isinstance(event, Hello) and event.cursor is not None:
        return {None: event.cursor}
    return {}
