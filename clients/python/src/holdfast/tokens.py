"""Tokens of clients: where they come from, and when a newer one is wanted."""

import asyncio
import inspect
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable

Token = str | Callable[[], str | Awaitable[str | None] | None]
# What asks for a token may take so long, in seconds.
FETCH_SECONDS = 15.0
# A newer token is fetched when between these shares of its time are over; so that not all come at once.
EARLIEST, LATEST = 0.7, 0.9


async def fetch(token: Token) -> str | None:
    """The token, or what its source says now; `TimeoutError` where that says nothing in time."""
    if isinstance(token, str):
        return token
    fetched = token()
    if not inspect.isawaitable(fetched):
        return fetched
    try:
        return await asyncio.wait_for(fetched, FETCH_SECONDS)
    except asyncio.TimeoutError:
        raise TimeoutError(f"no token came within {FETCH_SECONDS:g} s") from None


def expiry(token: str) -> float | None:
    """When a JWT ends (`exp`, seconds since 1970), without checking it: the server does."""
    try:
        _, claims, _ = token.split(".")
        said = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return float(said["exp"])
    except (KeyError, TypeError, ValueError):
        return None
