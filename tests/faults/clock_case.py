"""A pusher-api whose wall clock is set while clients are there, by libfaketime."""

import os
import tempfile
from pathlib import Path

from tests.faults.listening import Listening
from tests.faults.pushing import HOUR, accepted, becomes
from tests.faults.world import World

# Where distributions put the library.
FAKETIME = [Path(folder, "libfaketimeMT.so.1") for folder in (
    "/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib64/faketime",
    "/usr/lib/faketime")]


async def a_clock_that_is_set_loses_nothing_before_its_time(binary):
    """503 for what is kept until it is right; nothing is lost for it, and what is not kept goes on."""
    library = next((file for file in FAKETIME if file.exists()), None)
    if library is None:
        return "needs libfaketime"
    with tempfile.TemporaryDirectory(prefix="holdfast-clock-") as directory:
        clock = Path(directory, "offset")
        clock.write_text("+0\n")
        environment = os.environ | {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        with World(binary, 1, 1, environment) as world:
            await world.ready()
            await by_a_clock(world, lambda hours: clock.write_text(f"{hours * HOUR:+}\n"))
    return None


async def by_a_clock(world, set_to):
    """Sets it forward and back: it is not believed until it is right, or the pusher-api has begun anew."""
    pusher_api, gateway = world.pusher_apis[0], world.gateways[0]
    there = await Listening(gateway, "u", "there").come()
    start = there.cursor()
    await accepted(pusher_api, "long", ttl=100 * HOUR)
    await accepted(pusher_api, "short", ttl=HOUR)
    await there.hears(type="push", data="short")
    for hours in (2, -2):
        set_to(hours)
        _, text = await becomes(pusher_api, "refused", 503)
        assert "clock" in text, text
        await accepted(pusher_api, f"live {hours}", ttl=0)
        await there.hears(type="push", data=f"live {hours}")
        set_to(0)
        await becomes(pusher_api, f"right after {hours}", 202)
        await there.hears(type="push", data=f"right after {hours}")
    all_kept = ["long", "short", "right after 2", "right after -2"]
    assert [data for data in there.data() if "live" not in data] == all_kept, there.frames
    early = await Listening(gateway, "u", "early").come(start)
    await early.hears(type="push", data=all_kept[-1])
    assert early.data() == all_kept, early.frames
    assert early.gaps() == there.gaps() == [], (early.gaps(), there.gaps())
    pusher_api.kill()
    set_to(2)
    pusher_api.start()
    await world.ready()
    await accepted(pusher_api, "two hours later")
    await there.hears(type="push", data="two hours later")
    late = await Listening(gateway, "u", "late").come(start)
    await late.hears(type="push", data="two hours later")
    assert late.data() == ["long", "two hours later"] and late.gaps() == ["expired"], late.frames
