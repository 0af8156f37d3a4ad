"""How sessions end, and who comes back when: one table, as the server's close codes say."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from holdfast.answers import parsed
from holdfast.pausing import retry_after
from holdfast.pushes import HoldfastError


class Ended(HoldfastError):
    """The server has said not to come back: `reason` as in its `bye`, or why it refused."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Way(Enum):
    """What a client does after the end of a session."""

    BACK = "back"
    WITH_ANOTHER_TOKEN = "with another token"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Ending:
    """An end: its reason, what comes then, and after how many seconds if the server has said so."""

    reason: str
    way: Way
    pause: float | None = None
    detail: str = ""


# By its code, an end whose `bye` was lost.
CODES = {
    1001: Ending("going_away", Way.BACK),
    1002: Ending("protocol_error", Way.NEVER),
    1003: Ending("unsupported", Way.NEVER),
    1007: Ending("invalid_frame", Way.NEVER),
    1008: Ending("unauthorized", Way.WITH_ANOTHER_TOKEN),
    1009: Ending("frame_too_large", Way.NEVER),
    1012: Ending("draining", Way.BACK),
    1013: Ending("overloaded", Way.BACK),
    4401: Ending("token_expired", Way.WITH_ANOTHER_TOKEN),
    4409: Ending("replaced", Way.NEVER),
    4429: Ending("too_many_frames", Way.BACK),
}
# Of 1008, whose reasons go different ways; the text of a close frame tells which it is.
BY_TEXT = {
    "disconnected": Ending("disconnected", Way.NEVER),
    "handshake_timeout": Ending("handshake_timeout", Way.BACK),
}
# With another token one is not who one was.
FOR_ANOTHER_TOKEN = frozenset({"unauthorized", "token_expired"})
UNAUTHORIZED, TOO_MANY = (401, 403), 429


def by_bye(frame: Mapping[str, Any]) -> Ending:
    """What a `bye` says: without `retry_ms` a client does not come back as it is."""
    reason = str(frame.get("reason"))
    pause = frame.get("retry_ms")
    if pause is not None:
        return Ending(reason, Way.BACK, float(pause) / 1000)
    return Ending(reason, Way.WITH_ANOTHER_TOKEN if reason in FOR_ANOTHER_TOKEN else Way.NEVER)


def by_code(code: int | None, text: str) -> Ending:
    """What the code of a close frame says, or that there was none."""
    if text in BY_TEXT:
        return BY_TEXT[text]
    return CODES.get(code or 0, Ending("connection_lost", Way.BACK, detail=f"{code or ''} {text}".strip()))


def by_refusal(status: int, headers: Mapping[str, str], body: bytes) -> Ending:
    """What an answer to the request for a WebSocket says that is none.

    For good is only what a gateway says. What has no `detail` is of something in between: a proxy without a
    backend says 404, a page to log in to a network 200.
    """
    problem = parsed(body)
    detail = str(problem.get("detail") or f"answered with {status}")
    pause = problem.get("retry_ms")
    seconds = float(pause) / 1000 if pause is not None else retry_after(headers.get("Retry-After"))
    if status in UNAUTHORIZED:
        return Ending("unauthorized", Way.WITH_ANOTHER_TOKEN, detail=detail)
    if status == TOO_MANY or status >= 500 or "detail" not in problem:
        return Ending("refused", Way.BACK, seconds, detail)
    return Ending("refused", Way.NEVER, detail=detail)
