"""Kills who is to be killed, and starts again what was."""

import asyncio
import json
import random
import uuid

from tests.faults.backends import TTL_SECONDS
from tests.faults.commit_kill import Lock, kill_between
from tests.faults.ledger import Kill, Push, Wait, now
from tests.faults.speaking import Http

# So often a kill is tried again whose push was answered nevertheless.
TRIES = 5
# How long a push may take to the thread that commits it, which waits for the lock then.
ON_ITS_WAY_SECONDS = 0.1
QUIET_WRITER = 0
# What is waited for before a wait is given up; the judge's limit is shorter.
GIVEN_UP_SECONDS = 30


class Killer:
    """Carries the schedule out, and starts again what it has killed."""

    def __init__(self, seed, world, ledger, quiet):
        self.world, self.ledger, self.quiet = world, ledger, quiet
        self.seeded = random.Random(f"{seed}-quiet")
        self.ways = random.Random(f"{seed}-quiet-ways")
        self.returning = set()
        self.pushed = 0

    async def carry_out(self, planned):
        """All of it, one after the other; returns when everybody is back."""
        for kill in planned:
            await asyncio.sleep(kill.pause)
            self.world.check()
            if kill.kind in ("any", "stop"):
                await self.any(kill)
            else:
                await self.between(kill)
        await self.everybody_back()

    async def everybody_back(self):
        """Waits for those that are on their way."""
        while self.returning:
            await asyncio.gather(*self.returning)

    async def any(self, kill):
        """Kills or stops one process, whatever it does; if it is away already, once it is back."""
        server = self.world.servers[kill.victim]
        while server.name in self.world.away:
            self.world.check()
            await asyncio.sleep(0.05)
        if kill.kind == "stop":
            # One that has only just been started may not listen to that yet.
            await self.everybody_back()
            self.note(kill, server, "told to stop")
            await self.stop(server)
        else:
            self.note(kill, server)
            server.kill()
        self.returns_after(kill.down, [server])

    async def stop(self, server):
        """Tells a process to end, and waits until it has."""
        server.process.terminate()
        deadline = now() + GIVEN_UP_SECONDS
        while server.process.poll() is None and now() < deadline:
            await asyncio.sleep(0.02)
        if server.process.returncode != 0:
            self.ledger.wrong.append((server.name, f"told to stop: {server.process.returncode}"))
            server.kill()

    def note(self, kill, server, kind=None, at=None):
        """Writes down that a process is killed now, or was before."""
        self.world.away.add(server.name)
        kind = kind or ("gateway" if server in self.world.gateways else "pusher-api")
        noted = Kill(kill.number, kind, server.name, at or now())
        self.ledger.kills.append(noted)
        server.noted = noted

    def returns_after(self, seconds, servers):
        """Starts processes again after a while."""
        task = asyncio.ensure_future(self.bring_back(seconds, servers))
        self.returning.add(task)
        task.add_done_callback(self.returning.discard)

    async def bring_back(self, seconds, servers):
        """Starts them, and waits until they work, or are killed another time."""
        noted = [server.noted for server in servers]
        await asyncio.sleep(seconds)
        for server, kill in zip(servers, noted, strict=True):
            server.start()
            kill.started = now()
            self.world.away.discard(server.name)
        for server, kill in zip(servers, noted, strict=True):
            await self.world.is_back(server)
            kill.back = now()

    async def between(self, kill):
        """Kills a pusher-api between commit and forward, and waits for what it committed."""
        await self.everybody_back()
        user = self.quiet.pop()
        devices = self.ledger.of_users()[user]
        while not all(device.is_greeted() for device in devices):
            self.world.check()
            await asyncio.sleep(0.05)
        for _ in range(TRIES):
            push, body, answered = await self.commit_and_kill(kill, user)
            if not answered:
                break
            push.promised = now()
            await self.everybody_back()
        if not answered:
            await self.wait_for(kill, push, devices)
            await self.everybody_back()
            await self.repeat(push, body)

    async def commit_and_kill(self, kill, user):
        """One attempt: the push, as what it was sent, and whether it was answered."""
        server = self.world.pusher_apis[kill.victim]
        other = self.world.pusher_apis[1 - kill.victim]
        victims = [server, other] if kill.kind == "commit, both" else [server]
        self.pushed += 1
        push = Push((QUIET_WRITER, self.pushed), (user,), "quiet", now(), attempts=1)
        identity = uuid.UUID(int=self.seeded.getrandbits(128) | 1)
        body = json.dumps({"to": {"user": user}, "data": push.key, "ttl": TTL_SECONDS, "id": str(identity)})
        self.ledger.pushes[push.key] = push
        http, lock = Http(server.address), Lock(self.world.store)
        try:
            await http.open()
            await lock.take()
            await http.send("POST", "/v1/push", body.encode(), ["Content-Type: application/json"])
            await asyncio.sleep(ON_ITS_WAY_SECONDS)
            if len(victims) > 1:
                self.note(kill, other, "beside it")
                other.kill()
            killed, is_there = kill_between(lock, server, identity)
        finally:
            lock.close()
        answered = await was_answered(http)
        self.note(kill, server, "commit, answered" if answered else kill.kind, killed)
        if not is_there:
            self.ledger.wrong.append((user, f"{push.key} was not committed in time"))
        self.returns_after(kill.down, victims)
        return push, body.encode(), answered

    async def wait_for(self, kill, push, devices):
        """Waits until each device has it; the time counts from when there is a way, or was all along."""
        killed = self.ledger.kills[-1].at
        heard = {}
        while len(heard) < len(devices) and now() < killed + GIVEN_UP_SECONDS:
            for device in devices:
                at = next((at for visit in device.visits for at, key in visit.heard if key == push.key), None)
                if at is not None:
                    heard.setdefault(device.name, at)
            await asyncio.sleep(0.02)
        await self.everybody_back()
        way = nobody_until = killed
        if kill.kind == "commit, both":
            noted = [server.noted for server in self.world.pusher_apis]
            way, nobody_until = min(it.back for it in noted), min(it.started for it in noted)
        for device in devices:
            at = heard.get(device.name)
            seconds = None if at is None else max(0.0, at - way)
            early = at is not None and at < nobody_until
            self.ledger.waits.append(Wait(kill.number, device.user, device.name, seconds,
                                          "forwarded before" if early else kill.kind))

    async def repeat(self, push, body):
        """Sends the push again under its id, until it is answered: nobody may have it twice for that."""
        while push.promised is None:
            address = self.ways.choice(self.world.pusher_apis).address
            http = Http(address)
            push.attempts += 1
            try:
                status, _, _ = await http.ask("POST", "/v1/push", body, ["Content-Type: application/json"])
                if status == 202:
                    push.promised = now()
            except OSError:
                await asyncio.sleep(0.2)
            finally:
                http.close()


async def was_answered(http):
    """Whether an answer had been written before the process died."""
    try:
        status, _, _ = await http.answer()
        return status == 202
    except (OSError, EOFError):
        return False
    finally:
        http.close()
