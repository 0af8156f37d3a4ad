"""A device's end: a session that comes back by itself, and where it left off."""

import asyncio
import json
import logging
import random
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from holdfast import endings, events, tokens
from holdfast.endings import Ended, Ending, Way
from holdfast.events import Event, Left, Pushed
from holdfast.pausing import full_jitter
from holdfast.tokens import Token

logger = logging.getLogger("holdfast")
PATH, SUBPROTOCOL = "/v1/ws", Subprotocol("holdfast.v1")
# Seconds: for a connection, for its hello, and for a close.
OPEN_SECONDS, HELLO_SECONDS, CLOSE_SECONDS = 10.0, 30.0, 2.0
# Acknowledgements of so many seconds are one frame: they are cumulative, and frames have a limit.
ACK_SECONDS = 0.1
# Most topics of one frame.
MOST_TOPICS = 100
# So often in a row a pause is what was told; where that did not help it may be longer.
MOST_TOLD = 2
# Tokens in a row that may be refused.
MOST_REFUSED = 3
# Between two refreshes, in seconds.
LEAST_SECONDS = 10.0


class Session:
    """A session of a user's device, over WebSocket, for as long as it is iterated over.

        async with Session("wss://clients.example.com", token=fetch_token, device="phone") as session:
            async for event in session:
                if isinstance(event, Pushed):
                    show(event.data)
                    session.acknowledge(event)

    When the connection ends, the next step of the iteration comes back: when the server said, else after a
    pause with full jitter; it gives the cursors back of what was iterated over, so that kept messages come
    once. Where the server said not to come back the iteration raises `Ended`. A token is a string, or a
    callable, perhaps asynchronous, which is asked again before a token expires and after one was refused.
    Where it raises, or says nothing for 15 s, it is asked later; where it returns `None` the iteration raises
    `Ended`.

    One task iterates; `subscribe`, `acknowledge` and `close` may be called by others of the same loop.
    """

    def __init__(
        self,
        url: str = "ws://127.0.0.1:8080",
        token: Token | None = None,
        *,
        user: str | None = None,
        device: str | None = None,
        topics: Iterable[str] | Mapping[str, str | None] = (),
        after: Iterable[str] = (),
        ssl: ssl.SSLContext | None = None,
    ) -> None:
        """`url` is a gateway's; in development `user` stands in for a token.

        `topics` are those it asks for, perhaps each with where it begins: a cursor, `"start"` or nothing, as
        in `subscribe`. `after` are the cursors of an earlier session. Raises `ValueError` for a `url` that is
        none of a gateway.
        """
        if isinstance(topics, str) or isinstance(after, str):
            raise TypeError("topics and after: several, not one")
        self._url = web_socket_at(url)
        self._token, self._user, self._device, self._ssl = token, user, device, ssl
        self._topics = dict(topics) if isinstance(topics, Mapping) else dict.fromkeys(topics)
        self._given = tuple(after)
        self._cursors: dict[str | None, str] = {}
        self._used: str | None = None
        self._socket: ClientConnection | None = None
        self._is_greeted = self._is_closed = self._wants_another = False
        self._failures = self._refused = 0
        self._back_at = 0.0
        self._news: deque[Event] = deque()
        self._to_say: str | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing = asyncio.Event()

    @property
    def cursors(self) -> list[str]:
        """The newest cursor of each log: give them as `after` to a session of another process."""
        return [*self._cursors.values()] or [*self._given]

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """The next event; comes back first if that is what is next."""
        while not self._is_closed:
            if self._news:
                return self._news.popleft()
            if self._socket is None:
                await self._pause()
                ending = None if self._is_closed else await self._open_unless_closed()
            else:
                ending = await self._hear(self._socket)
            if ending is not None:
                await self._leave(ending)
        # One that was opened while it was closed.
        await self._let_go()
        raise StopAsyncIteration

    async def subscribe(self, topic: str, after: str | None = None) -> None:
        """Asks for a topic, now and in later sessions: after a cursor, from `"start"`, or what comes next."""
        self._topics[topic] = after
        await self._say({"type": "subscribe", "topics": [self._wanted(topic)]})

    async def unsubscribe(self, topic: str) -> None:
        """Wants a topic no more."""
        self._topics.pop(topic, None)
        self._cursors.pop(topic, None)
        await self._say({"type": "unsubscribe", "topics": [topic]})

    def acknowledge(self, push: Pushed) -> None:
        """Has processed this push and all before it of the user's log: they do not come to this device again.

        Those of topics and those that are not kept need none. It is said within a moment, or by the cursor
        that is given back.
        """
        if push.cursor is None or push.topic is not None:
            return
        self._to_say = push.cursor
        if "acknowledge" not in self._tasks:
            self._begin("acknowledge", self._acknowledge())

    async def close(self) -> None:
        """Says what is still to be said, and leaves; the iteration ends."""
        self._is_closed = True
        self._closing.set()
        await self._say_acknowledgement()
        await self._let_go()

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _pause(self) -> None:
        """Waits until it may come back, or is closed."""
        seconds = self._back_at - time.monotonic()
        if seconds > 0:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)

    async def _open_unless_closed(self) -> Ending | None:
        """Opens it; a close ends that at once, whatever it waits for."""
        opening = asyncio.ensure_future(self._open())
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((opening, closing), return_when=asyncio.FIRST_COMPLETED)
            return opening.result() if opening.done() else None
        finally:
            opening.cancel()
            closing.cancel()
            await asyncio.gather(opening, closing, return_exceptions=True)

    async def _open(self) -> Ending | None:
        """Connects and says who it is; how that ended, if it did."""
        try:
            ending = await self._renew()
            if ending is not None:
                return ending
            believing: dict[str, Any] = {"ssl": self._ssl} if self._ssl is not None else {}
            socket = await connect(
                self._url, subprotocols=[SUBPROTOCOL], compression=None, open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS, **believing,
            )
            self._socket, self._is_greeted = socket, False
            await self._say(self._connecting())
        except InvalidStatus as error:
            answer = error.response
            return endings.by_refusal(answer.status_code, answer.headers, bytes(answer.body or b""))
        except (OSError, asyncio.TimeoutError, WebSocketException) as error:
            return Ending("unreachable", Way.BACK, detail=f"{type(error).__name__}: {error}")
        return None

    async def _renew(self) -> Ending | None:
        """Fetches the token for the next session; an end if there is none that would make a difference."""
        if self._token is None:
            return Ending("unauthorized", Way.NEVER, detail="no token") if self._wants_another else None
        try:
            token = await tokens.fetch(self._token)
        except Exception as error:
            logger.warning("no token: %s: %s", type(error).__name__, error)
            return Ending("no_token", Way.BACK, detail=f"{error}")
        if token is None:
            return Ending("no_token", Way.NEVER)
        if self._wants_another and token == self._used:
            return Ending("unauthorized", Way.NEVER, detail="the token is the one that was not good any more")
        self._used, self._wants_another = token, False
        return None

    def _connecting(self) -> dict[str, Any]:
        """The first frame: who it is, and the places it has in logs that it does not subscribe to itself."""
        after = [cursor for log, cursor in self._cursors.items() if log is None or log not in self._topics]
        after = after or [*self._given]
        said = {"token": self._used, "device": self._device, "after": after}
        said["user"] = self._user if self._used is None else None
        return {"type": "connect", **{name: value for name, value in said.items() if value}}

    def _wanted(self, topic: str) -> dict[str, str]:
        """A topic as `subscribe` names it, with the place that it is read from."""
        after = self._cursors.get(topic) or self._topics.get(topic)
        return {"topic": topic, "after": after} if after else {"topic": topic}

    async def _hear(self, socket: ClientConnection) -> Ending | None:
        """Takes the next message; how the session has ended, if it has."""
        try:
            if self._is_greeted:
                text = await socket.recv()
            else:
                text = await asyncio.wait_for(socket.recv(), HELLO_SECONDS)
        except asyncio.TimeoutError:
            return Ending("no_hello", Way.BACK)
        except ConnectionClosed as error:
            received = error.rcvd
            return endings.by_code(received.code, received.reason) if received else endings.by_code(None, "")
        try:
            frame = json.loads(text)
            if frame.get("type") == "bye":
                return endings.by_bye(frame)
            event = events.read(frame)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            # Whoever speaks there is no gateway, or none yet.
            return Ending("protocol_error", Way.BACK, detail=f"a frame that cannot be read: {error!r}")
        if event is not None:
            self._cursors.update(events.cursors(event))
            self._news.append(event)
        if isinstance(event, events.Hello):
            await self._on_hello()
        return None

    async def _on_hello(self) -> None:
        """It is there: asks for its topics, and looks after its token."""
        self._is_greeted, self._failures, self._refused = True, 0, 0
        names = list(self._topics)
        for first in range(0, len(names), MOST_TOPICS):
            few = [self._wanted(name) for name in names[first : first + MOST_TOPICS]]
            await self._say({"type": "subscribe", "topics": few})
        expiry = tokens.expiry(self._used) if self._used else None
        if expiry is not None and not isinstance(self._token, str):
            self._begin("refresh", self._refresh(expiry))

    async def _leave(self, ending: Ending) -> None:
        """Lets the connection go, and decides whether to come back and when; raises `Ended` if not."""
        await self._let_go()
        if self._is_closed:
            return
        if ending.way is Way.WITH_ANOTHER_TOKEN:
            self._wants_another = True
            self._refused += 1
        has_others = self._token is not None and not isinstance(self._token, str)
        is_hopeless = ending.way is Way.WITH_ANOTHER_TOKEN and not has_others
        if ending.way is Way.NEVER or is_hopeless or self._refused > MOST_REFUSED:
            self._is_closed = True
            raise Ended(ending.reason, ending.detail)
        self._failures += 1
        own = full_jitter(self._failures)
        # Who is told keeps to it, unless that did not help before.
        pause = own if ending.pause is None else max(ending.pause, own if self._failures > MOST_TOLD else 0.0)
        self._back_at = time.monotonic() + pause
        self._news.append(Left(ending.reason, pause, ending.detail))

    async def _let_go(self) -> None:
        """Ends the connection and what looks after it."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        socket, self._socket = self._socket, None
        self._is_greeted = False
        if socket is not None:
            await socket.close()

    async def _say(self, frame: dict[str, Any]) -> None:
        """Says something if there is a session; what ends it meanwhile is heard by who listens."""
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame, ensure_ascii=False))

    async def _acknowledge(self) -> None:
        """Says the newest acknowledgement, once for all of a moment."""
        await asyncio.sleep(ACK_SECONDS)
        self._tasks.pop("acknowledge", None)
        await self._say_acknowledgement()

    async def _say_acknowledgement(self) -> None:
        """Says what is to be acknowledged."""
        cursor, self._to_say = self._to_say, None
        if cursor is not None:
            await self._say({"type": "ack", "cursor": cursor})

    async def _refresh(self, expiry: float) -> None:
        """Gives a newer token before this one expires, again and again.

        One that has expired by this clock is left to the server, which says so by its own: where clocks
        differ each newer one might be old here, too.
        """
        failures, least = 0, 0.0
        while self._token is not None and (left := expiry - time.time()) > 0:
            await asyncio.sleep(max(least, left * random.uniform(tokens.EARLIEST, tokens.LATEST)))
            try:
                token = await tokens.fetch(self._token)
            except Exception as error:
                logger.warning("no newer token: %s: %s", type(error).__name__, error)
                token = None
            newer = tokens.expiry(token) if token else None
            if newer is None or newer <= expiry:
                failures += 1
                await asyncio.sleep(full_jitter(failures, 1.0))
                continue
            self._used, expiry, failures, least = token, newer, 0, LEAST_SECONDS
            await self._say({"type": "refresh", "token": token})

    def _begin(self, name: str, work: Any) -> None:
        """Does something in the background until the connection ends."""
        before = self._tasks.get(name)
        if before is not None:
            before.cancel()
        self._tasks[name] = asyncio.ensure_future(work)


def web_socket_at(url: str) -> str:
    """The WebSocket of a gateway, whose URL may be that of its HTTP."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    # The port is read only when it is asked for, and may be none.
    if scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{url!r} is no URL of a gateway, like wss://clients.example.com")
    path = parts.path if parts.path.strip("/") else PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))
