"""What a session does about answers of others, tokens that do not come, and clocks that are wrong."""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import pytest
from websockets.asyncio.server import ServerConnection, serve

from holdfast import Ended, Event, Hello, Left, Pusher, Session, Subscribed, tokens

HELLO = {"type": "hello", "session": "s", "user": "u", "recovered": True, "kept": 0}
NOT_FOUND = '{"status":404,"title":"Not found","detail":"nothing is there"}'
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
# A failure ends after so many seconds.
PATIENCE = 20.0


def run(case: Callable[[], Awaitable[None]]) -> None:
    """A case in a loop of its own."""

    async def whole() -> None:
        await asyncio.wait_for(case(), PATIENCE)

    asyncio.run(whole())


async def first(of: Session, how_many: int = 1) -> list[Event]:
    """The first events."""
    heard: list[Event] = []
    async for event in of:
        heard.append(event)
        if len(heard) == how_many:
            break
    return heard


def address(server: asyncio.Server) -> str:
    """Where it listens."""
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def answering(status: str, body: str) -> Answer:
    """What says this to every request."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    return answer


def token(seconds: float) -> str:
    """A token that is good for so long, to whoever does not look at its signature."""
    claims = json.dumps({"sub": "u", "exp": time.time() + seconds}).encode()
    return f"e30.{urlsafe_b64encode(claims).decode().rstrip('=')}.x"


@pytest.mark.parametrize("url", ["nonsense", "example.com:80", "tcp://example.com", "ws://", "ws://h:99999"])
def test_what_is_no_url_is_said_at_once(url: str) -> None:
    """Not tried again and again."""
    with pytest.raises(ValueError):
        Session(url)
    with pytest.raises(ValueError):
        Pusher(url)


def test_one_name_is_not_taken_for_its_letters() -> None:
    """A text is iterable, too."""
    for given in ({"topics": "news"}, {"after": "C"}):
        with pytest.raises(TypeError):
            Session(**given)  # type: ignore[arg-type]


def test_only_a_gateway_says_that_it_is_for_good() -> None:
    """A page of whatever is in between says nothing of the session."""

    async def case() -> None:
        for status in ("200 OK", "404 Not Found"):
            async with await asyncio.start_server(answering(status, "<html>"), "127.0.0.1", 0) as server:
                for event in await first(Session(address(server), user="u"), 2):
                    assert isinstance(event, Left) and event.detail == f"answered with {status[:3]}"
        gateway = answering("404 Not Found", NOT_FOUND)
        async with await asyncio.start_server(gateway, "127.0.0.1", 0) as server:
            with pytest.raises(Ended, match="nothing is there"):
                await first(Session(address(server), user="u"))

    run(case)


def test_frames_that_cannot_be_read_end_a_session_for_a_while() -> None:
    """They raise nothing: what is in the way now may be gone the next time."""

    async def case() -> None:
        for text in ("nonsense", "[]", '{"type":"hello"}', '{"type":"push","id":"x","data_base64":"?"}'):

            async def speak(connection: ServerConnection, text: str = text) -> None:
                await connection.recv()
                await connection.send(text)
                await connection.wait_closed()

            async with serve(speak, "127.0.0.1", 0) as server:
                port = next(iter(server.sockets)).getsockname()[1]
                left, = await first(Session(f"ws://127.0.0.1:{port}", user="u"))
                assert isinstance(left, Left) and left.reason == "protocol_error", left

    run(case)


def test_a_token_that_does_not_come_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where there is none, that is the end."""
    monkeypatch.setattr(tokens, "FETCH_SECONDS", 0.1)

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async def case() -> None:
        left, = await first(Session(token=never))
        assert isinstance(left, Left) and left.reason == "no_token" and "0.1 s" in left.detail
        with pytest.raises(Ended, match="no_token"):
            await first(Session(token=lambda: None))

    run(case)


def test_a_close_waits_for_nothing() -> None:
    """Neither for a token, nor for a server that says nothing; and leaves nothing open."""

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async def case() -> None:
        ended = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            ended.set()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            url = address(server)
            for one in (Session(url, token=never), Session(url, user="u")):
                waiting = asyncio.create_task(first(one))
                await asyncio.sleep(0.2)
                await one.close()
                assert await asyncio.wait_for(waiting, 5.0) == []
            await asyncio.wait_for(ended.wait(), 5.0)

    run(case)


async def fetched_within(seconds: float, made: Iterator[str]) -> int:
    """How many tokens a session has asked for after some time at a server that takes all of them."""
    fetched = []

    def fetch() -> str:
        fetched.append(next(made))
        return fetched[-1]

    async def gateway(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(json.dumps(HELLO))
        async for _ in connection:
            await connection.send('{"type":"subscribed","topics":[]}')

    async with serve(gateway, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Session(f"ws://127.0.0.1:{port}", fetch) as one:
            hello, = await first(one)
            assert isinstance(hello, Hello)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(collect_refreshes(one), seconds)
    return len(fetched)


async def collect_refreshes(one: Session) -> None:
    """Goes on until it is cancelled."""
    async for event in one:
        assert isinstance(event, Subscribed)


def test_a_clock_that_is_wrong_asks_for_no_flood_of_tokens() -> None:
    """A newer token may be old by this clock, too, or nearly."""

    async def case() -> None:
        assert await fetched_within(1.5, (token(-3600 + at) for at in count())) == 1
        # Each is good for another part of a second.
        assert await fetched_within(1.5, (token(0.2 + at / 1000) for at in count())) == 2

    run(case)
