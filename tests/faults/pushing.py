"""Pushes of a case, all to one user."""

import asyncio
import contextlib
import json

from tests.faults.listening import PATIENCE_SECONDS
from tests.faults.speaking import Http

HOUR = 3600


async def push(pusher_api, body):
    """Pushes; the answer's status and text."""
    http = Http(pusher_api.address)
    try:
        status, _, answer = await http.ask(
            "POST", "/v1/push", body.encode(), ["Content-Type: application/json"], PATIENCE_SECONDS)
        return status, answer.decode()
    finally:
        http.close()


def kept(data, ttl=HOUR):
    """A push to the one user there is."""
    return json.dumps({"to": {"user": "u"}, "data": data, "ttl": ttl})


async def accepted(pusher_api, data, ttl=HOUR):
    """Pushes something that has to be taken."""
    answer = await push(pusher_api, kept(data, ttl))
    assert answer[0] == 202, answer


async def becomes(pusher_api, data, *statuses):
    """Pushes the same until it is answered like that; the answer."""
    answer = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await push(pusher_api, kept(data))
                if answer[0] in statuses:
                    return answer
                await asyncio.sleep(0.05)
    raise AssertionError(f"not {statuses}, but {answer}")
