"""One batch over HTTP, and what its answer says of each line."""

from dataclasses import dataclass
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import urllib3

from holdfast.answers import parsed
from holdfast.pausing import retry_after

PROCESS = "Holdfast-Process"
# Statuses that say that nothing was taken, and that it may be tried again.
AGAIN = frozenset({408, 429, 503})
OK, ELSEWHERE, LOWEST_OF_SERVERS = 200, 412, 500
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 30.0


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a line: taken if there is no status; else why not, and whether it may be sent again."""

    status: int | None = None
    detail: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether it was taken."""
        return self.status is None

    @property
    def may_be_sent_again(self) -> bool:
        """Whether the same line may be taken later."""
        return self.status in AGAIN


@dataclass(frozen=True, slots=True)
class Reported:
    """An answer that says what became of each line."""

    fates: list[Fate]
    pause: float | None
    process: str | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another process answers than was meant; it has taken nothing."""

    process: str | None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nobody was reached: certainly nothing was taken."""

    detail: str


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came, or none that says anything: all may have been taken, or some, or nothing."""

    detail: str
    pause: float | None = None


Answer = Reported | Elsewhere | NotSent | Lost


class Sender:
    """The way to one pusher-api: one connection, kept open between batches."""

    def __init__(self, url: str, api_key: str | None, ssl: SSLContext | None) -> None:
        """Raises `ValueError` for what can be no URL or no key, instead of trying it again and again."""
        self.url = checked(url)
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("the API key has characters that no header can carry, perhaps a line break")
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
        # It neither repeats nor follows anything by itself: what may be repeated is decided elsewhere.
        self.http = urllib3.PoolManager(num_pools=1, timeout=timeout, retries=False, ssl_context=ssl)

    def process(self) -> str | NotSent | None:
        """Which process answers, by a question that changes nothing; none for one that does not say."""
        try:
            answer = self.http.request("GET", f"{self.url}/healthz")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return NotSent(f"{error}")
        return answer.headers.get(PROCESS)

    def send(self, lines: list[bytes], process: str | None) -> Answer:
        """Sends a batch, meant for this process alone where one is named."""
        headers = {**self.headers, "Content-Type": "application/x-ndjson"}
        if process is not None:
            headers[PROCESS] = process
        try:
            answer = self.http.request(
                "POST", f"{self.url}/v1/push/batch", body=b"".join(lines), headers=headers
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            return NotSent(f"{error}")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Lost(f"{type(error).__name__}: {error}")
        return read(answer.status, answer.headers, answer.data, len(lines))

    def close(self) -> None:
        """Lets the connection go."""
        self.http.clear()


def checked(url: str) -> str:
    """The URL of a pusher-api, to which paths are added."""
    parts = urlsplit(url)
    # The port is read only when it is asked for, and may be none.
    is_known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if not is_known or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no URL of a pusher-api, like https://push.example.com")
    return url.rstrip("/")


def read(status: int, headers: urllib3.HTTPHeaderDict, body: bytes, count: int) -> Answer:
    """What an answer to a batch of so many lines says."""
    process = headers.get(PROCESS)
    if status == ELSEWHERE and process is not None:
        return Elsewhere(process)
    said = parsed(body)
    pause = retry_after(headers.get("Retry-After"))
    if "accepted" in said:
        try:
            fates, told = by_line(said, status == OK, count)
        except (KeyError, TypeError, ValueError):
            return Lost(f"{status} with a report that cannot be read", pause)
        return Reported(fates, told if told is not None else pause, process)
    detail = str(said.get("detail") or f"answered with {status}")
    if (status < LOWEST_OF_SERVERS and status != OK) or status in AGAIN:
        return Reported([Fate(status, detail)] * count, pause, process)
    return Lost(f"{status}: {detail}", pause)


def by_line(said: dict[str, Any], is_whole: bool, count: int) -> tuple[list[Fate], float | None]:
    """The fates of all lines; of a report that was broken off, those behind it were not taken."""
    rejected = said.get("rejected", [])
    told = int(said["accepted"]) + sum(last - first + 1 for first, last in (it["lines"] for it in rejected))
    taken = count if is_whole else min(told, count)
    fates = [Fate()] * taken + [Fate(503, "the batch was broken off before it")] * (count - taken)
    for entry in rejected:
        first, last = entry["lines"]
        status = 503 if entry.get("truncated") else int(entry["status"])
        fates[first - 1 : last] = [Fate(status, str(entry.get("detail", "")))] * (last - first + 1)
    if len(fates) != count or (is_whole and told != count):
        raise ValueError(f"{told} of {count} lines are told of")
    pause = said.get("retry_after")
    return fates, float(pause) if pause is not None else None
