"""Prints what the user "demo" is pushed, and comes back by itself, with the package `holdfast`."""

import asyncio
import os

from holdfast import Pushed, Session


async def main() -> None:
    """Listens until the server says not to come back, or Ctrl-C."""
    url, token = os.environ.get("HOLDFAST_CLIENTS", "http://127.0.0.1:8080"), os.environ.get("HOLDFAST_TOKEN")
    async with Session(url, token, user="demo", device="example") as session:
        async for event in session:
            if isinstance(event, Pushed):
                print(event.data, flush=True)
                session.acknowledge(event)


asyncio.run(main())
