"""`EventSource`: what it hears, and how it comes back."""

from .lab import CLOSED, Cluster, Tab
from .relay import Relay


def event_source_hears_pushes(browser, place, origin, **_):
    """A push has no name, so `onmessage` sees it; everything else has one."""
    with Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{place.clients}/v1/sse?token={place.token('u1')}")
        assert tab.hears(by="holdfast.hello")["frame"]["user"] == "u1"
        place.push({"text": "two\nlines"}, user="u1")
        assert tab.hears(by="message")["frame"]["data"] == {"text": "two\nlines"}
        assert [one["by"] for one in tab.heard()] == ["holdfast.hello", "message"]


def event_source_comes_back_when_it_is_cut(browser, place, origin, **_):
    """By itself, after the pause that the stream began with."""
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{relay.address}/v1/sse?token={place.token('u2')}")
        first = tab.hears(by="holdfast.hello")["frame"]["session"]
        relay.cut()
        assert tab.hears(by="error")["state"] != CLOSED
        assert tab.hears(2, by="holdfast.hello")["frame"]["session"] != first
        place.push("after the cut", user="u2")
        tab.hears(by="message", data="after the cut")
        assert len(relay.requests("GET /v1/sse?")) == 2


def who_was_replaced_does_not_come_back(browser, place, origin, **_):
    """The pause is a day, which passes in 100 ms here; then it shows the last id, gets 204 and gives up."""
    day = ("retry: 86400000\n", "retry: 00000100\n")
    token = place.token("u3", "--device", "d")
    with Relay(place.clients, changes=[day]) as relay, Tab(browser, origin.name) as older, \
            Tab(browser, origin.name) as newer:
        older.does("follow", f"http://{relay.address}/v1/sse?token={token}")
        older.hears(by="holdfast.hello")
        newer.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        bye = older.hears(by="holdfast.bye")
        assert bye["frame"]["reason"] == "replaced" and "retry_ms" not in bye["frame"], bye
        assert bye["id"] == "end" and relay.changed == 1
        older.is_true(f"source.readyState === {CLOSED}")
        _, last = relay.requests("GET /v1/sse?")
        assert "\r\nlast-event-id: end\r\n" in last.lower(), last
        place.push("to the newer one", user="u3")
        newer.hears(by="message", data="to the newer one")
        assert [one["by"] for one in older.heard()].count("holdfast.hello") == 1


def a_drained_gateway_sends_its_pages_to_another(browser, servers, binary, origin, **_):
    """`bye` says when, and the browser keeps to it; whoever answers at that address then."""
    place = Cluster(servers, binary, gateways=2)
    addresses = [clients for clients, _, _ in place.ports]
    with Relay(*addresses) as relay, Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{relay.address}/v1/sse?token={place.token('u4')}")
        tab.hears(by="holdfast.hello")
        before = place.ask("GET", "users/u4")["sessions"][0]["gateway"]
        servers.stop(place.pids[0])
        bye = tab.hears(by="holdfast.bye")
        assert bye["frame"]["reason"] == "draining" and bye["frame"]["retry_ms"] > 0, bye
        tab.hears(2, by="holdfast.hello")
        place.is_true_of("users/u4", lambda user: any(one["gateway"] != before for one in user["sessions"]))
        place.push("from the other one", user="u4")
        tab.hears(by="message", data="from the other one")


def a_gateway_that_starts_anew_gets_its_pages_back(browser, servers, binary, origin, **_):
    """However often the browser is refused meanwhile."""
    place = Cluster(servers, binary)
    with Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{place.clients}/v1/sse?token={place.token('u5')}")
        tab.hears(by="holdfast.hello")
        servers.stop(place.pids[0])
        tab.hears(by="holdfast.bye", reason="draining")
        # It has come in vain.
        tab.hears(2, by="error", state=0)
        place.open_gateway()
        tab.hears(2, by="holdfast.hello")
