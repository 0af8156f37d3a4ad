"""WebSockets, as a page can use them."""

from .lab import OTHER_SECRET, Tab
from .relay import Relay


def a_web_socket_says_its_token_first(browser, place, origin, **_):
    """So that none stands in an address."""
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        connect = {"type": "connect", "token": place.token("u13"), "device": "d"}
        tab.does("speak", f"ws://{relay.address}/v1/ws", connect)
        assert tab.hears(by="open")["protocol"] == "holdfast.v1"
        assert tab.hears(by="socket", type="hello")["frame"]["user"] == "u13"
        place.push([1, 2], user="u13")
        assert tab.hears(by="socket", type="push")["frame"]["data"] == [1, 2]
        assert place.ask("GET", "users/u13")["sessions"][0]["device"] == "d"
        assert relay.heads[0].startswith("GET /v1/ws HTTP/1.1\r\n"), relay.heads


def a_web_socket_is_told_why_it_was_refused(browser, place, origin, **_):
    """By a close where it asks for that; else a browser says 1006, whatever the status was."""
    wrong = place.token("u14", secret=OTHER_SECRET)
    address = f"ws://{place.clients}/v1/ws"
    connect = {"type": "connect", "token": wrong}
    for query, first in [(f"?refuse=close&token={wrong}", None), ("?refuse=close", connect), ("", connect)]:
        with Tab(browser, origin.name) as tab:
            tab.does("speak", address + query, first)
            assert tab.hears(by="close") == {
                "by": "close", "code": 1008, "reason": "unauthorized", "wasClean": True}, tab.heard()
            assert tab.hears(by="socket")["frame"] == {"type": "bye", "reason": "unauthorized"}
    with Tab(browser, origin.name) as tab:
        tab.does("speak", f"{address}?token={wrong}", None)
        assert tab.hears(by="close")["code"] == 1006
