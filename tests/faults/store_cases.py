"""What may happen to a store's file while gateways, pusher-apis and clients are there."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.clock_case import a_clock_that_is_set_loses_nothing_before_its_time
from tests.faults.listening import PATIENCE_SECONDS, Listening
from tests.faults.pushing import accepted, becomes, kept, push
from tests.faults.world import World

DISK_BYTES = 16 << 20


async def a_full_disk_refuses_what_is_kept_until_there_is_room(binary):
    """507 before its last tenth, 503 when nothing is left; what is not kept goes on."""
    if os.geteuid() != 0:
        return "only root may mount a small disk"
    with tempfile.TemporaryDirectory(prefix="holdfast-disk-") as disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", disk], check=True)
        try:
            with World(binary, 1, 1, directory=disk) as world:
                await on_a_small_disk(world, Path(disk, "ballast"))
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)
    return None


async def on_a_small_disk(world, ballast):
    """Fills it, and gives the room back."""
    await world.ready()
    pusher_api, client = world.pusher_apis[0], Listening(world.gateways[0], "u")
    await client.come()
    await accepted(pusher_api, "first")
    nearly = DISK_BYTES - shutil.disk_usage(ballast.parent).used - DISK_BYTES // 20
    ballast.write_bytes(bytes(nearly))
    status, text = await becomes(pusher_api, "x" * 60_000, 507, 503)
    assert status == 503 or "--kept-bytes" in text, text
    with contextlib.suppress(OSError), ballast.open("ab") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
    await becomes(pusher_api, "x" * 60_000, 507, 503)
    await accepted(pusher_api, "live", ttl=0)
    await client.hears(type="push", data="live")
    ballast.unlink()
    await becomes(pusher_api, "room", 202)
    await client.hears(type="push", data="room")
    newcomer = await Listening(world.gateways[0], "u", "new").come()
    await newcomer.hears(type="push", data="room")
    assert newcomer.data()[0] == "first", newcomer.data()
    assert client.gaps() == newcomer.gaps() == [], (client.gaps(), newcomer.gaps())


async def another_program_that_locks_the_file_is_waited_for_and_then_told(binary):
    """503 for what is kept; everything else goes on, and nothing has to be started again."""
    with World(binary, 1, 1) as world:
        await world.ready()
        pusher_api, client = world.pusher_apis[0], Listening(world.gateways[0], "u")
        await client.come()
        await accepted(pusher_api, 1)
        theirs = sqlite3.connect(world.store, isolation_level=None, timeout=PATIENCE_SECONDS)
        theirs.execute("BEGIN IMMEDIATE")
        refused = asyncio.ensure_future(push(pusher_api, kept("refused")))
        await accepted(pusher_api, "live", ttl=0)
        await client.hears(type="push", data="live")
        status, text = await refused
        assert status == 503, (status, text)
        theirs.execute("ROLLBACK")
        theirs.close()
        await becomes(pusher_api, 2, 202)
        await client.hears(type="push", data=2)
        assert client.gaps() == [] and "refused" not in client.data(), client.frames


async def who_leaves_the_file_takes_nothing_with_it(binary):
    """A pusher-api that stops in order, another program that closes the file: the log beside it stays."""
    with World(binary, 1, 2) as world:
        await world.ready()
        stays, stops = world.pusher_apis
        await accepted(stops, 1)
        theirs = sqlite3.connect(world.store, isolation_level=None, timeout=PATIENCE_SECONDS)
        theirs.execute("BEGIN IMMEDIATE")
        theirs.execute("ROLLBACK")
        theirs.close()
        await accepted(stays, 2)
        await accepted(stops, 3)
        stops.process.send_signal(signal.SIGTERM)
        assert stops.process.wait() == 0
        await accepted(stays, 4)
        stays.kill()
        for server in (stays, stops):
            server.start()
        await world.ready()
        newcomer = await Listening(world.gateways[0], "u", "new").come()
        await newcomer.hears(type="push", data=4)
        assert newcomer.data() == [1, 2, 3, 4], newcomer.frames


async def a_copy_of_yesterday_is_noticed_by_who_has_heard_more(binary):
    """`unknown_cursor` for who was there and for who comes with a cursor, and the present for both."""
    with World(binary, 1, 1) as world:
        await world.ready()
        pusher_api, yesterday = world.pusher_apis[0], Path(world.directory.name, "yesterday")
        there, back = (Listening(world.gateways[0], "u", name) for name in ("there", "back"))
        await there.come()
        await back.come()
        for data in (1, 2):
            await accepted(pusher_api, data)
        pusher_api.process.send_signal(signal.SIGTERM)
        assert pusher_api.process.wait() == 0
        shutil.copytree(world.data, yesterday)
        pusher_api.start()
        await world.ready()
        for data in (3, 4):
            await accepted(pusher_api, data)
        for client in (there, back):
            await client.hears(type="push", data=4)
        back.go()
        pusher_api.kill()
        shutil.rmtree(world.data)
        shutil.copytree(yesterday, world.data)
        pusher_api.start()
        await world.ready()
        await accepted(pusher_api, "today")
        await there.hears(type="push", data="today")
        assert there.gaps()[-1:] == ["unknown_cursor"], there.frames
        again = await Listening(world.gateways[0], "u", "back").come(back.cursor())
        await again.hears(type="push", data="today")
        assert "unknown_cursor" in again.gaps() and again.data() == [1, 2, "today"], again.frames
        newcomer = await Listening(world.gateways[0], "u", "new").come()
        await newcomer.hears(type="push", data="today")
        assert newcomer.data() == [1, 2, "today"] and newcomer.gaps() == [], newcomer.frames


CASES = [
    a_full_disk_refuses_what_is_kept_until_there_is_room,
    another_program_that_locks_the_file_is_waited_for_and_then_told,
    who_leaves_the_file_takes_nothing_with_it,
    a_copy_of_yesterday_is_noticed_by_who_has_heard_more,
    a_clock_that_is_set_loses_nothing_before_its_time,
]


def run(binary, names):
    """Those that were asked for; the exit code."""
    failed = 0
    for case in CASES:
        if names and not any(name in case.__name__ for name in names):
            continue
        try:
            passed_over = asyncio.run(case(binary))
            print(f"passed over: {case.__name__}: {passed_over}" if passed_over else f"ok {case.__name__}")
        except AssertionError as error:
            failed = 1
            print(f"FAILED {case.__name__}: {error}", file=sys.stderr)
    return failed
