"""Streams that are read by `fetch`, and answers that a page can read."""

import json

from .lab import CLOSED, OTHER_SECRET, Cluster, Tab, bearer, frames_of
from .relay import Relay


def fetch_reads_a_stream(browser, place, origin, **_):
    """With the token in a header, which the browser asks about first."""
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        token = place.token("u6")
        tab.does("read", f"http://{relay.address}/v1/sse", bearer(token, method="POST"))
        assert tab.hears(by="answer")["kind"] == "text/event-stream"
        assert tab.hears(by="fetch", type="hello")["frame"]["user"] == "u6"
        place.push({"n": 1}, user="u6")
        assert tab.hears(by="fetch", type="push")["frame"]["data"] == {"n": 1}
        asked, sent = relay.heads
        assert asked.startswith("OPTIONS /v1/sse ") and sent.startswith("POST /v1/sse "), relay.heads
        assert not any(token in head.splitlines()[0] for head in relay.heads)
        tab.page.evaluate("controller.abort()")
        place.is_true_of("users/u6", lambda user: not user["online"])


def fetch_shows_its_token_in_the_body(browser, place, origin, **_):
    """Then nothing has to be asked first."""
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        connect = json.dumps({"type": "connect", "token": place.token("u7")})
        tab.does("read", f"http://{relay.address}/v1/sse", {"method": "POST", "body": connect})
        assert tab.hears(by="fetch", type="hello")["frame"]["user"] == "u7"
        assert len(relay.heads) == 1, relay.heads


def a_page_can_read_why_it_was_refused(browser, place, origin, **_):
    """A problem with its status; `EventSource` is told nothing, and gives up."""
    stream = f"http://{place.clients}/v1/sse"
    wrong = place.token("u8", secret=OTHER_SECRET)
    with Tab(browser, origin.name) as tab:
        for token in [wrong, place.expired_token("u8"), "nonsense"]:
            for method in ["GET", "POST"]:
                refused = tab.ask(stream, **bearer(token, method=method))
                assert refused["status"] == 401, refused
                assert refused["kind"] == "application/problem+json", refused
                assert refused["body"]["status"] == 401 and refused["body"]["detail"], refused
        frames = f"http://{place.clients}/v1/frames?session=1"
        refused = tab.ask(frames, **bearer(wrong, method="POST", body="{}"))
        assert refused["status"] == 401 and refused["body"]["detail"], refused
        tab.does("follow", f"{stream}?token={wrong}")
        assert tab.hears(by="error")["state"] == CLOSED
        tab.does("follow", f"{stream}?refuse=close&token={wrong}")
        assert tab.hears(by="holdfast.bye")["frame"]["reason"] == "unauthorized"


def a_page_can_read_when_to_come_back(browser, servers, binary, origin, **_):
    """In a header that browsers show pages only where they are told to."""
    place = Cluster(servers, binary, "--sessions-per-user", "1")
    stream, init = f"http://{place.clients}/v1/sse", bearer(place.token("u18"), method="POST")
    with Tab(browser, origin.name) as tab:
        tab.does("read", stream, init)
        tab.hears(by="fetch", type="hello")
        refused = tab.ask(stream, **init)
        assert refused["status"] == 429 and int(refused["after"]) > 0, refused


def pages_of_other_origins_stay_outside(browser, servers, binary, origin, **_):
    """Where origins are named; those may come by every way."""
    place = Cluster(servers, binary, "--allow-origin", origin.name)
    token = place.token("u9", "--subscribe", "*")
    stream = f"http://{place.clients}/v1/sse"
    socket = f"ws://{place.clients}/v1/ws?token={token}"
    with Tab(browser, origin.name) as own, Tab(browser, origin.other) as foreign:
        own.does("read", stream, bearer(token, method="POST"))
        hello = own.hears(by="fetch", type="hello")
        ping = bearer(token, method="POST", body='{"type":"ping"}')
        posted = own.ask(frames_of(place.clients, hello), **ping)
        assert posted["status"] == 204, posted
        own.hears(by="fetch", type="pong")
        own.does("speak", socket, None)
        own.hears(by="socket", type="hello")

        assert foreign.ask(stream, **bearer(token, method="POST")) == {"error": "TypeError"}
        # One that is not even asked about first.
        assert foreign.ask(f"{stream}?token={token}") == {"error": "TypeError"}
        frames = f"{frames_of(place.clients, hello)}&token={token}"
        subscribe = {"method": "POST", "body": '{"type":"subscribe","topics":["t"]}'}
        assert foreign.ask(frames, **subscribe) == {"error": "TypeError"}
        assert own.ask(frames, method="POST", body='{"type":"ping"}')["status"] == 204
        own.hears(2, by="fetch", type="pong")
        assert not any(one["frame"]["type"] == "subscribed" for one in own.heard() if "frame" in one)
        assert own.ask(frames, **subscribe)["status"] == 204
        own.hears(by="fetch", type="subscribed")
        foreign.does("follow", f"{stream}?token={token}")
        assert foreign.hears(by="error")["state"] == CLOSED
        foreign.does("speak", socket, None)
        assert foreign.hears(by="close")["code"] == 1006
        assert not any("frame" in one for one in foreign.heard())
