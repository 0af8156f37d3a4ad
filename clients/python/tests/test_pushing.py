"""The backend's client against running processes, which are killed, stopped and started again."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import API_KEY, HTTP, PATIENCE, Listener, Process, World, believing, free_ports, until
from relay import Relay

from holdfast import Closed, Counts, GivenUp, Pusher, QueueFull, Reason


def settled(counts: Counts) -> tuple[int, int, int]:
    """Pushed, accepted, given up."""
    assert counts.pushed == counts.accepted + counts.given_up + counts.waiting
    return counts.pushed, counts.accepted, counts.given_up


def test_pushes_arrive(world: World) -> None:
    """To a user, users, a topic and everybody; JSON and bytes."""
    with Listener(world, "anna", "--topic", "news") as anna, Listener(world, "ben") as ben:
        until(lambda: bool(anna.frames("subscribed")), "anna is subscribed")
        with Pusher(world.api, API_KEY) as pusher:
            identity = pusher.push({"text": "hällo"}, user="anna")
            pusher.push([1, None, "x"], users=["anna", "ben", "anna"])
            pusher.push(b"\x00\x01\x02", topic="news")
            pusher.push("all", everybody=True)
            assert pusher.flush(PATIENCE)
            assert settled(pusher.counts) == (4, 4, 0)
        until(lambda: len(anna.data()) == 4 and len(ben.data()) == 2, "all have come")
        assert anna.data() == [{"text": "hällo"}, [1, None, "x"], "AAEC", "all"]
        assert ben.data() == [[1, None, "x"], "all"]
        assert anna.frames("push")[0]["id"] == identity
        assert anna.frames("push")[2]["topic"] == "news"


def test_bad_lines_are_reported_once_and_spoil_nothing(world: World) -> None:
    """The report's lines are the pushes' own."""
    told: list[GivenUp] = []
    with Listener(world, "cleo") as cleo, Pusher(world.api, API_KEY, on_given_up=told.append) as pusher:
        pusher.push(1, user="cleo")
        bad = pusher.push(2, user="..")
        pusher.push(3, user="cleo")
        worse = pusher.push(4, user="cleo", collapse_key="k" * 65)
        pusher.push(5, user="cleo")
        assert pusher.flush(PATIENCE)
        until(lambda: len(cleo.data()) == 3, "the good ones have come")
        assert cleo.data() == [1, 3, 5]
        assert [(it.push.id, it.reason, it.status) for it in told] == [
            (bad, Reason.REJECTED, 422), (worse, Reason.REJECTED, 422),
        ]
        assert all(it.detail and not it.may_have_arrived for it in told)
        assert settled(pusher.counts) == (5, 3, 2)


def test_a_wrong_key_is_no_reason_to_repeat(world: World) -> None:
    """Nor is a callback that fails one to stop."""
    told: list[GivenUp] = []

    def fail(given_up: GivenUp) -> None:
        told.append(given_up)
        raise RuntimeError("the callback's own trouble")

    with Pusher(world.api, "wrong", on_given_up=fail) as pusher:
        for number in range(3):
            pusher.push(number, user="a")
        assert pusher.flush(PATIENCE)
    assert [(it.reason, it.status) for it in told] == [(Reason.REJECTED, 401)] * 3
    # As a file ends that was read whole; and what no header can carry.
    for key in (f"{API_KEY}\n", "s3cr€t"):
        with pytest.raises(ValueError, match="API key"):
            Pusher(world.api, key)


def test_what_is_full_or_closed_says_so() -> None:
    """Nobody listens there; what waited is given up at the close, once each."""
    told: list[GivenUp] = []
    pusher = Pusher(f"http://127.0.0.1:{free_ports(1)[0]}", most=3, on_given_up=told.append)
    ids = [pusher.push(number, user="a") for number in range(3)]
    with pytest.raises(QueueFull):
        pusher.push(4, user="a")
    assert not pusher.flush(0.0)
    assert not pusher.close(0.0)
    assert pusher.close(0.0)
    with pytest.raises(Closed):
        pusher.push(5, user="a")
    assert sorted(it.push.id for it in told) == sorted(ids)
    assert {it.reason for it in told} == {Reason.CLOSED}
    assert pusher.counts.full == 1
    assert settled(pusher.counts) == (3, 0, 3)


def test_what_finds_no_gateway_waits_for_one(tmp_path: Path) -> None:
    """Pushes that pusher-api answers with 503 go out when it can take them, in order."""
    own = World(tmp_path)
    try:
        own.pusher_api.start()
        until(lambda: HTTP.request("GET", f"{own.api}/healthz").status == 200, "pusher-api listens")
        with Pusher(own.api, API_KEY) as pusher:
            for number in range(100):
                pusher.push(number, user="dora", ttl=600 if number % 3 == 0 else 0)
            until(lambda: pusher.counts.sent_again > 0, "it was refused")
            own.gateway.start()
            assert pusher.flush(PATIENCE)
            assert settled(pusher.counts) == (100, 100, 0)
    finally:
        own.__exit__()


def test_a_child_begins_anew(world: World) -> None:
    """A fork has neither the parent's pushes nor its thread; both send their own."""
    with Listener(world, "eve") as eve, Pusher(world.api, API_KEY) as pusher:
        pusher.push("parent before", user="eve")
        child = os.fork()
        if child == 0:
            pusher.push("child", user="eve")
            os._exit(0 if pusher.close(PATIENCE) and pusher.counts.pushed == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        pusher.push("parent after", user="eve")
        assert pusher.flush(PATIENCE)
        until(lambda: len(eve.data()) == 3, "all have come")
        assert sorted(eve.data()) == ["child", "parent after", "parent before"]


class Writers:
    """Threads that push numbers to users of their own, in order, until they are stopped."""

    def __init__(self, pusher: Pusher, users: list[str], ttl: int) -> None:
        self.pusher, self.ttl = pusher, ttl
        self.pushed: dict[str, list[int]] = {user: [] for user in users}
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(user,)) for user in users]

    def write(self, user: str) -> None:
        """One thread: a push, and a short rest."""
        while not self.is_over.wait(0.001):
            self.pusher.push([user, len(self.pushed[user])], user=user, ttl=self.ttl)
            self.pushed[user].append(len(self.pushed[user]))

    def run_through(self, trouble: Callable[[], None]) -> None:
        """Pushes while there is trouble."""
        for thread in self.threads:
            thread.start()
        trouble()
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def heard(listener: Listener, user: str) -> list[int]:
    """The numbers that came, all of them this user's."""
    assert all(whose == user for whose, _ in listener.data())
    return [number for _, number in listener.data()]


def troubled(world: World, pusher: Pusher, end: int, times: int) -> Callable[[], None]:
    """pusher-api is ended so, and started again, while pushes go on."""

    def trouble() -> None:
        for _ in range(times):
            accepted = pusher.counts.accepted
            until(lambda floor=accepted: pusher.counts.accepted > floor + 50, "pushes are taken")  # type: ignore[misc]
            world.pusher_api.end(end)
            time.sleep(0.1)
            world.pusher_api.start()
            world.ready()

    return trouble


def test_kept_pushes_come_once_though_pusher_api_is_killed(own_world: World) -> None:
    """Killed in the middle of batches: repeated under their ids, in order."""
    users = ["fay", "gil"]
    told: list[GivenUp] = []
    with Listener(own_world, "fay") as fay, Listener(own_world, "gil") as gil:
        with Pusher(own_world.api, API_KEY, on_given_up=told.append) as pusher:
            writers = Writers(pusher, users, ttl=600)
            writers.run_through(troubled(own_world, pusher, signal.SIGKILL, 4))
            assert pusher.flush(PATIENCE)
            assert (told, pusher.counts.given_up) == ([], 0)
        for user, listener in (("fay", fay), ("gil", gil)):
            until(lambda it=listener, u=user: len(it.data()) >= len(writers.pushed[u]), "all came")  # type: ignore[misc]
            assert heard(listener, user) == writers.pushed[user]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_live_pushes_come_once_or_are_reported(own_world: World, end: int) -> None:
    """What a process that is no more may have had is reported, the rest arrives, nothing twice, in order.

    A process that ends in order hands over what it has accepted; one that is killed may not.
    """
    told: list[GivenUp] = []
    with Listener(own_world, "hal") as hal:
        with Pusher(own_world.api, API_KEY, on_given_up=told.append) as pusher:
            writers = Writers(pusher, ["hal"], ttl=0)
            writers.run_through(troubled(own_world, pusher, end, 4))
            assert pusher.flush(PATIENCE)
            pushed, accepted, given_up = settled(pusher.counts)
        assert (pushed, pushed) == (len(writers.pushed["hal"]), accepted + given_up)
        reported = [json.loads(it.push.line)["data"][1] for it in told]
        assert len(reported) == len(set(reported)) == given_up
        assert all(it.reason is Reason.UNKNOWN and it.may_have_arrived for it in told)
        wanted = set(writers.pushed["hal"]) - set(reported)
        if end == signal.SIGTERM:
            until(lambda: wanted <= set(heard(hal, "hal")), "all that was accepted has come")
        numbers = heard(hal, "hal")
        assert numbers == sorted(set(numbers)), "in order, and once"


def test_answers_that_are_lost_cost_nothing(world: World) -> None:
    """Live pushes go to the same process again, which knows their ids: each arrives once, in order."""
    if not world.says_its_process():
        pytest.skip("this pusher-api does not say which process it is")
    told: list[GivenUp] = []
    with Listener(world, "lou") as lou, Relay(world.api.removeprefix("http://")) as relay:
        with Pusher(relay.url, API_KEY, on_given_up=told.append) as pusher:
            pusher.push(0, user="lou")
            assert pusher.flush(PATIENCE)
            for number in range(1, 1000):
                pusher.push(number, user="lou", ttl=60 if number % 5 == 0 else 0)
                if number == 100:
                    relay.loses.set()
                    until(lambda: relay.lost > 1, "answers are lost")
                    relay.loses.clear()
            assert pusher.flush(PATIENCE)
            assert (told, pusher.counts.sent_again > 0) == ([], True)
        until(lambda: len(lou.data()) >= 1000, "all have come")
        # What is kept may also be read from the store, and then pass live ones of its batch.
        for is_kept in (False, True):
            heard_of = [number for number in lou.data() if (number > 0 and number % 5 == 0) == is_kept]
            assert heard_of == sorted(set(heard_of)), "in order, and once"
        assert len(lou.data()) == 1000


def test_nobody_else_is_believed(world: World) -> None:
    """Inside TLS with the right authority; with another one nothing is sent."""
    told: list[GivenUp] = []
    with Listener(world, "max") as listener:
        with Pusher(world.tls_api, API_KEY, ssl=believing()) as pusher:
            pusher.push("sealed", user="max")
            assert pusher.flush(PATIENCE)
        stranger = Pusher(world.tls_api, API_KEY, on_given_up=told.append)
        stranger.push("for a stranger", user="max")
        until(lambda: stranger.counts.requests > 1, "it was tried")
        stranger.close(0.0)
        assert [it.reason for it in told] == [Reason.CLOSED]
        until(lambda: listener.data() == ["sealed"], "it has come")


def test_a_frozen_pusher_api_is_asked_again(own_world: World) -> None:
    """It stands still in the middle of its work: nothing is lost, nothing comes twice."""
    process = own_world.pusher_api
    with Listener(own_world, "ida") as ida, Pusher(own_world.api, API_KEY) as pusher:
        for number in range(500):
            pusher.push(number, user="ida")
        assert process.process is not None
        process.process.send_signal(signal.SIGSTOP)
        for number in range(500, 1000):
            pusher.push(number, user="ida", ttl=60)
        process.process.send_signal(signal.SIGCONT)
        assert pusher.flush(PATIENCE)
        until(lambda: len(ida.data()) >= 1000, "all have come")
        assert ida.data() == list(range(1000))


def test_an_interpreter_that_ends_sends_what_waits(world: World, tmp_path: Path) -> None:
    """Nobody closes the pusher, and nothing is lost."""
    import subprocess
    import sys

    program = tmp_path / "program.py"
    program.write_text(
        f"import holdfast\npusher = holdfast.Pusher({world.api!r}, {API_KEY!r})\n"
        "for number in range(2000):\n    pusher.push(number, user='jo')\n"
    )
    with Listener(world, "jo") as jo:
        subprocess.run([sys.executable, str(program)], check=True, timeout=PATIENCE)
        until(lambda: len(jo.data()) >= 2000, "all have come")
        assert jo.data() == list(range(2000))


def test_processes_start() -> None:
    """A binary that is not there is said to be, before all else fails."""
    assert Path(Process("--version").command[0]).exists()
