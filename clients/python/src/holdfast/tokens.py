"""Tokens of clients: where they come from, and when a newer one is wanted."""

import inspect
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable

Token = str | Callable[[], str | Awaitable[str]]
# A newer token is fetched when between these shares of its time are over; so that not all come at once.
EARLIEST, LATEST = 0.7, 0.9


async def fetch(token: Token) -> str:
    """The token, or what its source says now."""
    if isinstance(token, str):
        return token
    fetched = token()
    return await fetched if inspect.isawaitable(fetched) else fetched


def expiry(token: str) -> float | None:
    """When a JWT ends (`exp`, seconds since 1970), without checking it: the server does."""
    try:
        _, claims, _ = token.split(".")
        said = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return float(said["exp"])
    except (KeyError, TypeError, ValueError):
        return None
