"""The order of pushes, and that each is settled once: random runs against what must hold."""

import random

import pytest

from holdfast import pushes
from holdfast.outbox import REMEMBERED_SECONDS, Outbox, Waiting
from holdfast.pushes import Counts, GivenUp, QueueFull, Reason


def made(number: int, user: str, ttl: int = 0) -> pushes.Push:
    """A push to a user."""
    to, names = pushes.recipient(user, None, None, user == "*") if user != "*" else (
        pushes.recipient(None, None, None, True)
    )
    return pushes.push(number, to, names, ttl, None, None)


def outbox(most: int = 10_000, patience: float = 1e9) -> Outbox:
    """One with room."""
    return Outbox(most, 1 << 30, patience)


@pytest.mark.parametrize("seed", range(50))
def test_names_keep_their_order_whatever_is_refused(seed: int) -> None:
    """Nothing overtakes a push of its name; everything is taken once in the end."""
    seeded = random.Random(seed)
    box, taken, now = outbox(), list[str](), 0.0
    names = ["a", "b", "c", "*"]
    pushed = {name: list[str]() for name in names}
    while len(taken) < 300:
        for _ in range(seeded.randrange(4)):
            if box.counts.pushed < 300:
                push = made(box.counts.pushed, seeded.choice(names))
                pushed[push.names[0].removeprefix("user ").replace("everybody", "*")].append(push.id)
                box.put(push)
        now += seeded.random()
        step(box, seeded, taken, now)
    for name in names:
        own = set(pushed[name])
        assert [one for one in taken if one in own] == pushed[name], name
    assert box.counts == Counts(pushed=300, accepted=300)
    assert box.is_flushed(0)


def step(box: Outbox, seeded: random.Random, taken: list[str], now: float) -> None:
    """A batch, of which some lines of some names are refused, as pusher-api does it."""
    batch = box.take(now)
    refused = list[Waiting]()
    names = set[str]()
    for waiting in batch:
        behind = any(name in names for name in waiting.push.names) or "everybody" in names
        behind = behind or (waiting.push.names == ("everybody",) and bool(names))
        if behind or seeded.random() < 0.3:
            refused.append(waiting)
            names.update(waiting.push.names)
        else:
            taken.append(waiting.push.id)
            box.accept(waiting)
    if refused:
        box.back(refused, now + seeded.random() * 3)


def test_others_go_on_while_one_waits() -> None:
    """A user whose gateway has no room holds back nobody else."""
    box = outbox()
    for number, user in enumerate("aab"):
        box.put(made(number, user))
    first = box.take(0.0)
    box.accept(first[2])
    box.back(first[:2], 10.0)
    for number, user in enumerate("ab"):
        box.put(made(number, user))
    assert [waiting.push.names for waiting in box.take(1.0)] == [("user b",)]
    assert [waiting.push.names[0] for waiting in box.take(10.0)] == ["user a"] * 3


def test_a_full_queue_says_so_and_counts() -> None:
    """Bounded in count and in bytes."""
    box = outbox(most=2)
    box.put(made(1, "a"))
    box.put(made(2, "a"))
    with pytest.raises(QueueFull):
        box.put(made(3, "a"))
    small = Outbox(100, 1000, 1.0)
    small.put(made(1, "a"))
    with pytest.raises(QueueFull):
        small.put(made(2, "a" * 700))
    assert (box.counts.full, box.counts.pushed, small.counts.full) == (1, 2, 1)


def test_live_pushes_are_repeated_to_the_same_process_only() -> None:
    """And given up once where another one answers; kept ones go on."""
    box = outbox()
    box.put(made(1, "a"))
    box.put(made(2, "b", ttl=60))
    batch = box.take(0.0)
    assert box.uncertain(batch, "X", 0.0) == []
    box.back(batch, 0.0)
    batch = box.take(0.0)
    assert box.elsewhere(batch, "X") == []
    given_up = box.elsewhere(batch, "Y")
    assert [(it.push.names, it.reason, it.may_have_arrived) for it in given_up] == [
        (("user a",), Reason.UNKNOWN, True)
    ]
    box.back(batch, 0.0)
    assert [waiting.push.names for waiting in box.take(0.0)] == [("user b",)]


def test_nobody_waits_for_ever() -> None:
    """Too late, forgotten by the other side, or closed: each is told once."""
    box = outbox(patience=1.0)
    box.put(made(1, "a"))
    now = box.fresh[0].push.since
    assert [it.reason for it in box.sweep(now + 2.0)] == [Reason.TOO_LATE]
    box = outbox()
    box.put(made(1, "a"))
    box.put(made(2, "a", ttl=60))
    batch = box.take(0.0)
    box.uncertain(batch, "X", 1.0)
    box.back(batch, 0.0)
    assert [it.reason for it in box.sweep(2.0 + REMEMBERED_SECONDS)] == [Reason.UNKNOWN]
    # What is kept is repeated until it is answered.
    box.accept(box.take(2.0 + REMEMBERED_SECONDS)[0])
    box.put(made(3, "a"))
    box.put(made(4, "b"))
    in_flight = box.take(3.0)[:1]
    told: list[GivenUp] = box.give_up_all(in_flight) + box.give_up_all(in_flight)
    assert [(it.reason, it.may_have_arrived) for it in told] == [(Reason.CLOSED, True)]
    assert box.counts.pushed == 1 + box.counts.given_up + box.counts.waiting
