"""Requests that wait."""

from .lab import Tab, bearer, polled
from .relay import Relay


def a_page_polls(browser, place, origin, **_):
    """The first answer is the hello; later ones wait for something new, for less than the poll may."""
    init = bearer(place.token("u19"))
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        address = f"http://{relay.address}/v1/poll"
        first = tab.ask(address, **init)
        assert first["kind"] == "application/json" and polled(first) == ["hello"], first
        assert relay.heads[0].startswith("OPTIONS /v1/poll "), relay.heads
        session = first["body"]["session"]
        later = f"{address}?session={session}&wait=90s&seen="

        tab.does("poll", f"{later}{first['body']['seen']}", init)
        tab.does("poll", f"{later}{first['body']['seen']}", init)
        # So one has come and waits: the other was ended by it.
        tab.hears(by="poll", status=204)
        place.push("held", user="u19")
        held = tab.hears(by="poll", status=200)
        assert polled(held) == ["held"] and held["body"]["session"] == session, held
        again = tab.ask(f"{later}{first['body']['seen']}", **init)
        assert again["body"] == held["body"], again

        frames = f"http://{relay.address}/v1/frames?session={session}"
        tab.does("poll", f"{later}{held['body']['seen']}", init)
        assert tab.ask(frames, **init, method="POST", body='{"type":"ping"}')["status"] == 204
        assert polled(tab.hears(2, by="poll", status=200)) == ["pong"]


def a_page_can_read_why_its_poll_was_refused(browser, place, origin, **_):
    """Without a token, of somebody else's session, and of one that is not there."""
    init, address = bearer(place.token("u20")), f"http://{place.clients}/v1/poll"
    with Tab(browser, origin.name) as tab:
        first = tab.ask(address, **init)["body"]
        later = f"{address}?session={first['session']}&seen={first['seen']}"
        for refused, status in [(tab.ask(address), 401), (tab.ask(later, **bearer(place.token("u21"))), 404),
                                (tab.ask(f"{address}?session=00000000000000ff&seen=1", **init), 410)]:
            assert refused["status"] == status, refused
            assert refused["kind"] == "application/problem+json" and refused["body"]["detail"], refused
        place.ask("DELETE", "users/u20/sessions")
        assert tab.ask(later, **init)["body"]["frames"][0]["reason"] == "disconnected"
