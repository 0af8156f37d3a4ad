"""What is pushed: the line that says it, whom it is for, and what may become of it."""

import json
import uuid
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from time import monotonic

JSON = str | int | float | bool | None | dict[str, "JSON"] | list["JSON"]
# A list of users is at most so long, and a push is kept at most so many seconds.
MOST_USERS, MOST_TTL = 10_000, 2_419_200

# Made once: it takes longer than a line.
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class HoldfastError(Exception):
    """What this library raises."""


class QueueFull(HoldfastError):
    """More waits already than the queue may hold; the push was not taken, and is counted."""


class Closed(HoldfastError):
    """The pusher is closed and takes nothing more."""


class Reason(Enum):
    """Why a push was given up."""

    REJECTED = "rejected"
    """pusher-api has refused it, and would refuse it again: see `status` and `detail`."""
    UNKNOWN = "unknown"
    """No answer came, and nobody can say whether it was taken; repeated, it might arrive twice."""
    TOO_LATE = "too_late"
    """It has waited longer than the pusher's `patience`."""
    CLOSED = "closed"
    """The pusher was closed before it was answered."""


@dataclass(frozen=True, slots=True)
class Push:
    """One push: its id, the names it is for, and the line of the batch that says it."""

    id: str
    names: tuple[str, ...]
    ttl: int
    line: bytes
    since: float
    """When it was pushed, by the monotonic clock."""

    @property
    def is_kept(self) -> bool:
        """Whether pusher-api keeps it, and so knows its id whatever happens to a process."""
        return self.ttl > 0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A push that will not be sent again."""

    push: Push
    reason: Reason
    detail: str
    status: int | None = None
    may_have_arrived: bool = False
    """Whether it was sent at least once without being answered."""


@dataclass(slots=True)
class Counts:
    """What has become of pushes so far: `pushed` is `accepted` + `given_up` + `waiting`."""

    pushed: int = 0
    accepted: int = 0
    given_up: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    full: int = 0
    """Pushes that found no room, which are not among `pushed`."""
    sent_again: int = 0
    requests: int = 0


def recipient(
    user: str | None, users: Iterable[str] | None, topic: str | None, everybody: bool
) -> tuple[dict[str, JSON], tuple[str, ...]]:
    """The `to` of a push, and the names whose order it has a part in.

    Raises `ValueError` unless it is exactly one of them, and `TypeError` for a name in place of names.
    """
    given = [user is not None, users is not None, topic is not None, everybody]
    if sum(given) != 1:
        raise ValueError("a push is for one of user, users, topic and everybody")
    if user is not None:
        return {"user": user}, (f"user {user}",)
    if topic is not None:
        return {"topic": topic}, (f"topic {topic}",)
    if users is None:
        return {"all": True}, ("everybody",)
    if isinstance(users, str):
        raise TypeError("users: names, not one name")
    several = list(dict.fromkeys(users))
    if not 1 <= len(several) <= MOST_USERS:
        raise ValueError(f"users: between 1 and {MOST_USERS:,} names")
    return {"users": list[JSON](several)}, tuple(f"user {one}" for one in several)


def push(
    data: object,
    to: dict[str, JSON],
    names: tuple[str, ...],
    ttl: int,
    collapse_key: str | None,
    id: str | None,
) -> Push:
    """A push as it is sent. Bytes travel as base64, all else as JSON.

    Raises `TypeError` or `ValueError` for what JSON cannot say, an id that is no UUID, a `ttl` out of range.
    """
    if not 0 <= ttl <= MOST_TTL:
        raise ValueError(f"ttl: between 0 and {MOST_TTL:,} seconds")
    identity = str(uuid.UUID(id)) if id is not None else str(uuid.uuid4())
    said: dict[str, object] = {"to": to, "id": identity}
    if ttl:
        said["ttl"] = ttl
    if collapse_key is not None:
        said["collapse_key"] = collapse_key
    if isinstance(data, bytes | bytearray | memoryview):
        said["data_base64"] = b64encode(data).decode("ascii")
    else:
        said["data"] = data
    return Push(identity, names, ttl, ENCODER.encode(said).encode() + b"\n", monotonic())
