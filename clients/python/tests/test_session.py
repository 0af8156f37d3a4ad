"""The session client against running processes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from processes import API_KEY, HTTP, PATIENCE, World, believing

from holdfast import (
    Ended,
    Event,
    Failed,
    Gap,
    Hello,
    Left,
    Pushed,
    Pusher,
    Refreshed,
    Session,
    Subscribed,
)

T = TypeVar("T", bound=Event)


async def expect(session: Session, kind: type[T]) -> T:
    """The next event of a kind; others are passed over."""

    async def search() -> T:
        async for event in session:
            if isinstance(event, kind):
                return event
        raise AssertionError(f"the iteration ended before a {kind.__name__}")

    return await asyncio.wait_for(search(), PATIENCE)


async def in_thread(work: Callable[[], object]) -> None:
    """Does what waits outside of the loop."""
    await asyncio.to_thread(work)


def run(case: Callable[[], Awaitable[None]]) -> None:
    """A case in a loop of its own."""

    async def whole() -> None:
        await case()

    asyncio.run(whole())


def push(
    world: World, *data: object, user: str | None = None, topic: str | None = None, ttl: int = 0
) -> None:
    """Pushes, and waits until they are accepted."""
    with Pusher(world.api, API_KEY) as pusher:
        for one in data:
            pusher.push(one, user=user, topic=topic, ttl=ttl, collapse_key="k" if topic == "scores" else None)
        assert pusher.flush(PATIENCE)
        assert pusher.counts.given_up == 0


def ask(world: World, method: str, path: str) -> int:
    """A request to pusher-api."""
    return HTTP.request(method, world.api + path, headers={"Authorization": f"Bearer {API_KEY}"}).status


def test_a_session_hears_what_is_pushed(world: World) -> None:
    """JSON, bytes, topics by name and from the start of what is kept."""

    async def case() -> None:
        await in_thread(lambda: push(world, "1:0", "2:0", topic="scores", ttl=60))
        topics = {"news": None, "scores": "start"}
        async with Session(world.url, world.token("kim"), topics=topics) as session:
            hello = await expect(session, Hello)
            assert (hello.user, hello.kept) == ("kim", 0)
            # Topics begin each when it can, and what is kept of one may come before the other is there.
            names, scores = set[str](), list[Pushed]()
            while names != {"news", "scores"} or not scores:
                event = await asyncio.wait_for(anext(session), PATIENCE)
                if isinstance(event, Subscribed):
                    names.update(one.name for one in event.topics)
                elif isinstance(event, Pushed):
                    scores.append(event)
            assert [(score.topic, score.data) for score in scores] == [("scores", "2:0")]
            await in_thread(lambda: push(world, {"n": 1}, b"\x00\xff", user="kim"))
            assert (await expect(session, Pushed)).data == {"n": 1}
            assert (await expect(session, Pushed)).data == b"\x00\xff"
            await in_thread(lambda: push(world, "extra", topic="news"))
            assert (await expect(session, Pushed)).topic == "news"
            await session.unsubscribe("news")
            await session.subscribe("x" * 129)
            assert (await expect(session, Failed)).code

    run(case)


def test_acknowledged_is_what_does_not_come_again(world: World) -> None:
    """To the same device; another one is sent everything."""

    async def case() -> None:
        token = world.token("lea")
        # What every device has acknowledged is deleted: this one never does.
        async with Session(world.url, token, device="tablet") as session:
            await expect(session, Hello)
        async with Session(world.url, token, device="phone") as session:
            await expect(session, Hello)
            await in_thread(lambda: push(world, *range(5), user="lea", ttl=600))
            for number in range(5):
                event = await expect(session, Pushed)
                assert event.data == number
                if number < 3:
                    session.acknowledge(event)
        await asyncio.wait_for(has_kept(world, token, 2), PATIENCE)
        async with Session(world.url, token, device="phone") as session:
            assert [(await expect(session, Pushed)).data for _ in range(2)] == [3, 4]
            cursors = session.cursors
        async with Session(world.url, token, device="phone", after=cursors) as session:
            assert (await expect(session, Hello)).kept == 0
        async with Session(world.url, token, device="tablet") as session:
            assert [(await expect(session, Pushed)).data for _ in range(5)] == list(range(5))

    run(case)


async def has_kept(world: World, token: str, count: int) -> None:
    """Comes back until the store has what was acknowledged, which may take a second."""
    while True:
        async with Session(world.url, token, device="phone") as session:
            if (await expect(session, Hello)).kept == count:
                return


def test_kept_messages_come_once_though_the_gateway_is_killed(own_world: World) -> None:
    """It comes back by itself, gives its cursor, and goes on where it was."""

    async def case() -> None:
        heard: list[object] = []
        topics = {"log": None}
        async with Session(own_world.url, own_world.token("mia"), device="d", topics=topics) as session:
            await expect(session, Subscribed)
            for visit in range(3):
                before = [f"{visit}a", f"{visit}b"]
                await in_thread(lambda it=before: push(own_world, *it, user="mia", ttl=600))  # type: ignore[misc]
                await in_thread(lambda it=visit: push(own_world, it, topic="log", ttl=600))  # type: ignore[misc]
                for _ in range(3):
                    heard.append((await expect(session, Pushed)).data)
                await in_thread(own_world.gateway.kill)
                await in_thread(lambda it=visit: push(own_world, f"{it}c", user="mia", ttl=600))  # type: ignore[misc]
                await in_thread(lambda it=visit: push(own_world, -it, topic="log", ttl=600))  # type: ignore[misc]
                assert (await expect(session, Left)).reason in ("connection_lost", "going_away")
                own_world.gateway.start()
                for _ in range(2):
                    heard.append((await expect(session, Pushed)).data)
            assert [it for it in heard if isinstance(it, str)] == [
                f"{visit}{letter}" for visit in range(3) for letter in "abc"
            ]
            assert [it for it in heard if isinstance(it, int)] == [0, 0, 1, -1, 2, -2]

    run(case)


def test_it_is_back_when_the_drain_said(own_world: World) -> None:
    """A drain gives each its own time, and that is when it comes back, not before."""

    async def case() -> None:
        async with Session(own_world.url, own_world.token("nia"), device="d") as session:
            await expect(session, Hello)
            stopping = asyncio.create_task(in_thread(own_world.gateway.stop))
            left = await expect(session, Left)
            told = time.monotonic()
            assert (left.reason, left.back_in > 0) == ("draining", True)
            await stopping
            own_world.gateway.start()
            await expect(session, Hello)
            assert time.monotonic() >= told + left.back_in

    run(case)


def test_a_newer_token_is_given_before_one_expires(world: World) -> None:
    """The source is asked again, and the session goes on."""

    async def case() -> None:
        fetched: list[str] = []

        async def fetch() -> str:
            fetched.append(await asyncio.to_thread(world.token, "ole", f"{3 + 60 * len(fetched)}s"))
            return fetched[-1]

        async with Session(world.url, fetch) as session:
            hello = await expect(session, Hello)
            assert (await expect(session, Refreshed)).exp > time.time()
            await in_thread(lambda: push(world, "still here", user="ole"))
            assert (await expect(session, Pushed)).data == "still here"
            assert hello.user == "ole" and len(fetched) == 2

    run(case)


def test_tokens_that_are_refused(world: World) -> None:
    """Another one is asked for; the same one, or none, is no reason to come back."""

    async def case() -> None:
        good = iter(["nonsense", world.token("pia")])
        async with Session(world.url, lambda: next(good)) as session:
            assert (await expect(session, Left)).reason == "unauthorized"
            assert (await expect(session, Hello)).user == "pia"
        for token in ("nonsense", lambda: "nonsense", None):
            async with Session(world.url, token, user=None) as session:
                with pytest.raises(Ended) as ended:
                    await expect(session, Hello)
                assert ended.value.reason == "unauthorized"
        short = world.token("pia", "1s")
        async with Session(world.url, short) as session:
            await expect(session, Hello)
            with pytest.raises(Ended) as ended:
                await expect(session, Gap)
            assert ended.value.reason == "token_expired"
        broken = iter(["", world.token("pia")])

        def fetch() -> str:
            token = next(broken)
            if not token:
                raise OSError("no network")
            return token

        async with Session(world.url, fetch) as session:
            assert (await expect(session, Left)).reason == "no_token"
            await expect(session, Hello)

    run(case)


def test_a_session_inside_tls(world: World) -> None:
    """With the authority's certificate; without it, it is not there."""

    async def case() -> None:
        async with Session(world.tls_url, world.token("sam"), ssl=believing()) as session:
            assert (await expect(session, Hello)).user == "sam"
        async with Session(world.tls_url, world.token("sam")) as session:
            left = await expect(session, Left)
            assert (left.reason, "certificate" in left.detail) == ("unreachable", True)

    run(case)


def test_it_stays_away_where_it_was_told_to(world: World) -> None:
    """A newer session of the device, or a backend, ends it for good."""

    async def case() -> None:
        token = world.token("quin")
        async with Session(world.url, token, device="d") as older:
            await expect(older, Hello)
            async with Session(world.url, token, device="d") as newer:
                await expect(newer, Hello)
                with pytest.raises(Ended) as ended:
                    await expect(older, Left)
                assert ended.value.reason == "replaced"
                assert [event async for event in older] == []
                assert await asyncio.to_thread(ask, world, "DELETE", "/v1/users/quin/sessions") == 200
                with pytest.raises(Ended) as ended:
                    await expect(newer, Left)
                assert ended.value.reason == "disconnected"

    run(case)


def test_nobody_is_there_yet(own_world: World) -> None:
    """It tries again with growing pauses; a close ends that at once."""

    async def case() -> None:
        own_world.gateway.kill()
        async with Session(own_world.url, own_world.token("rob")) as session:
            assert (await expect(session, Left)).reason == "unreachable"
            assert (await expect(session, Left)).reason == "unreachable"
            own_world.gateway.start()
            await expect(session, Hello)
            waiting = asyncio.create_task(collect(session))
            await session.close()
            assert await asyncio.wait_for(waiting, PATIENCE) == []

    run(case)


async def collect(session: Session) -> list[Event]:
    """All that is left."""
    return [event async for event in session]
