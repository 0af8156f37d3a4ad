"""One run from the first session to the verdict: all come, some are killed, all come back once more."""

import asyncio
import sys

from tests.faults.backends import Writer
from tests.faults.client import Device
from tests.faults.judge import Judge
from tests.faults.kills import Killer
from tests.faults.ledger import Ledger, now
from tests.faults.schedule import EVERY_TENTH, schedule
from tests.faults.transports import TRANSPORTS
from tests.faults.world import Stuck, World

# Handshakes at a time.
DOORS = 200
# For so long nothing new may come before it is taken to be quiet: what is missed is found sooner.
QUIET_SECONDS = 8
MOST_SECONDS = 120
LOOK_SECONDS = 0.1


async def run(given):
    """The run; what happened, and the judge who has looked at it."""
    ledger = Ledger()
    with World(given.binary, directory=given.data) as world:
        await world.ready()
        say("processes are ready")
        lag = asyncio.ensure_future(measure_lag(ledger))
        lives = await open_all(given, world, ledger)
        quiet = given.kills // EVERY_TENTH + 1
        users = [f"u{number}" for number in range(given.users)]
        killer = Killer(given.seed, world, ledger, users[:quiet])
        await push_and_kill(given, world, ledger, killer, users[quiet:])
        await everything_has_come(ledger, world)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        for device in ledger.hearers():
            device.before_last = len(device.visits)
        say("once more, from the beginning")
        lives = await open_devices(ledger)
        await everything_has_come(ledger, world)
        judge = Judge(ledger, given.allowance)
        judge.judge()
        for task in (lag, *lives):
            task.cancel()
        await asyncio.gather(lag, *lives, return_exceptions=True)
        ledger.logs = {server.name: server.printed() for server in world.servers}
    return ledger, judge


def say(text):
    """What the run is at."""
    print(text, file=sys.stderr, flush=True)


async def measure_lag(ledger):
    """How long this program itself keeps everybody waiting."""
    while True:
        begun = now()
        await asyncio.sleep(LOOK_SECONDS)
        ledger.lag = max(ledger.lag, now() - begun - LOOK_SECONDS)


async def open_all(given, world, ledger):
    """Two devices of each user, on transports in turn."""
    names = list(TRANSPORTS)
    for number in range(given.users):
        for device in range(2):
            transport = names[(number + device * (1 + number // 4 % 3)) % 4]
            ledger.devices.append(Device(given.seed, f"u{number}", device, transport, world, given))
    return await open_devices(ledger)


async def open_devices(ledger):
    """Lets all of them come, and waits until they have been greeted."""
    doors = asyncio.Semaphore(DOORS)
    for device in ledger.hearers():
        device.visit = None
    lives = [asyncio.ensure_future(device.live(ledger, doors)) for device in ledger.devices]
    begun = now()
    while not all(device.is_greeted() for device in ledger.devices):
        await asyncio.sleep(LOOK_SECONDS)
        if now() - begun > MOST_SECONDS:
            raise Stuck(f"not all devices are there: {ledger.endings}")
    say(f"{len(lives)} sessions after {now() - begun:.1f} s")
    return lives


async def push_and_kill(given, world, ledger, killer, users):
    """Writers push until the last kill is over; what they have begun they bring to its end."""
    over = asyncio.Event()
    writers = [Writer(given.seed, number, users, world, ledger) for number in range(1, given.writers + 1)]
    writing = [asyncio.ensure_future(one.live(given.rate / given.writers, over.is_set)) for one in writers]
    begun = now()
    watching = asyncio.ensure_future(tell_progress(given, ledger))
    await killer.carry_out(schedule(given.seed, given.kills))
    over.set()
    await asyncio.gather(*writing)
    watching.cancel()
    say(f"{len(ledger.kills)} kills and {len(ledger.pushes)} pushes in {now() - begun:.0f} s")


async def tell_progress(given, ledger):
    """A line now and then."""
    while True:
        await asyncio.sleep(15)
        kills = ledger.kills[-1].number if ledger.kills else 0
        say(f"  {kills} of {given.kills} kills, {len(ledger.pushes)} pushes, lag {ledger.lag:.2f} s")


async def everything_has_come(ledger, world):
    """Waits until all are in sessions and nothing has come for a while."""
    begun, last, since = now(), -1, now()
    while now() - since < QUIET_SECONDS and now() - begun < MOST_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        world.check()
        heard = sum(len(device.visit.heard) for device in ledger.hearers() if device.visit)
        if heard != last or not all(device.is_greeted() for device in ledger.devices):
            last, since = heard, now()
