"""What the transports have to do for pages of other origins, case by case."""

import json
import sys
import tempfile
from functools import partial

from playwright.sync_api import sync_playwright

from benches.measured.processes import Processes
from tests import browsers

from .lab import Cluster, Origin, Tab
from .proxies import Proxy
from .relay import Relay

OTHER_SECRET = "another secret, 32 bytes or more of it"
# What `EventSource.readyState` says of one that has given up.
CLOSED = 2


def bearer(token, **more):
    """The header of a request by fetch."""
    return {"headers": {"Authorization": f"Bearer {token}"}, **more}


def frames_of(address, hello):
    """Where a session's frames are posted."""
    return f"http://{address}/v1/frames?session={hello['frame']['session']}"


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


def frames_are_posted_by_fetch(browser, place, origin, **_):
    """As text they need not be asked about first; what is refused can be read."""
    token = place.token("u10", "--subscribe", "news*")
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        frames = frames_of(relay.address, tab.hears(by="holdfast.hello"))
        subscribe = json.dumps({"type": "subscribe", "topics": ["news-10"]})
        both = subscribe + "\n" + json.dumps({"type": "ping"})
        assert tab.ask(f"{frames}&token={token}", method="POST", body=both)["status"] == 204
        assert [head.split(" ")[0] for head in relay.heads] == ["POST"], relay.heads
        tab.hears(by="holdfast.subscribed")
        tab.hears(by="holdfast.pong")
        place.is_true_of("topics/news-10", lambda topic: topic["sessions"] == 1)
        place.push("to the topic", topic="news-10")
        tab.hears(by="message", data="to the topic")

        forbidden = json.dumps({"type": "subscribe", "topics": ["secrets"]})
        refused = tab.ask(frames, **bearer(token, method="POST", body=f'{{"type":"ping"}}\n{forbidden}'))
        assert refused["status"] == 403 and refused["body"]["pointer"] == "/1", refused
        refused = tab.ask(frames, **bearer(place.token("somebody"), method="POST", body=subscribe))
        assert refused["status"] == 404, refused


def a_beacon_is_taken_from_a_page_that_goes(browser, place, origin, **_):
    """Frames by `navigator.sendBeacon`, for a session that another tab holds."""
    token = place.token("u11", "--subscribe", "*")
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab, Tab(browser, origin.name) as going:
        tab.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        frames = frames_of(relay.address, tab.hears(by="holdfast.hello"))
        text = '{"type":"pong"}\n{"type":"subscribe","topics":["beacons"]}'
        going.does("say_when_hidden", f"{frames}&token={token}", text)
        assert not relay.heads
        going.page.goto("about:blank")
        tab.hears(by="holdfast.subscribed")
        place.is_true_of("topics/beacons", lambda topic: topic["sessions"] == 1)
        assert [head.split(" ")[0] for head in relay.heads] == ["POST"], relay.heads


def who_has_posted_a_pong_is_held_to_it(browser, servers, binary, origin, **_):
    """A page that stops answering is gone; one that never answered stays."""
    place = Cluster(servers, binary, "--ping-interval", "1s")
    with Tab(browser, origin.name) as tab, Tab(browser, origin.name) as silent:
        silent.does("follow", f"http://{place.clients}/v1/sse?token={place.token('silent')}")
        token = place.token("u12")
        tab.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        frames = frames_of(place.clients, tab.hears(by="holdfast.hello"))
        assert tab.ask(f"{frames}&token={token}", method="POST", body='{"type":"pong"}')["status"] == 204
        bye = tab.hears(by="holdfast.bye")["frame"]
        assert bye["reason"] == "ping_timeout" and bye["retry_ms"] > 0, bye
        silent.hears(3, by="holdfast.ping")
        assert place.ask("GET", "users/silent")["online"]
        assert len([one for one in silent.heard() if one["by"] == "holdfast.hello"]) == 1


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


def polled(answer):
    """The types of the frames of a poll's answer, or what the frame of a push brings."""
    return [frame.get("data", frame["type"]) for frame in answer["body"]["frames"]]


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


def proxies_pass_everything_on_at_once(browser, servers, binary, origin, **_):
    """No ping could have pushed it through: the next one is ten minutes away."""
    place = Cluster(servers, binary, "--ping-interval", "10m")
    for command in [("nginx", "on"), ("nginx", "off"), ("haproxy",)]:
        print(" ", *command, flush=True)
        with tempfile.TemporaryDirectory() as folder, Proxy(place, command, folder) as proxy:
            for user in streams_go_through(browser, place, origin, proxy):
                # HAProxy sees that a page has gone when it has something for it, which a ping would be, too.
                needs_pushes = command[0] == "haproxy"
                place.is_true_of(f"users/{user}", partial(is_offline, place, pushing=needs_pushes))
            goes_through(browser, place, origin, proxy)


def is_offline(place, user, pushing):
    """Whether a user is; if not, there may be a push for it."""
    if user["online"] and pushing:
        place.push("is anybody there?", user=user["user"])
    return not user["online"]


def streams_go_through(browser, place, origin, proxy):
    """Both ways of reading events, and frames that are posted; the users whose pages have gone."""
    stream = f"http://{proxy.address}/v1/sse"
    tokens = [place.token("u15"), place.token("u16")]
    names = ("holdfast.hello", "message", "holdfast.pong")
    ways = [("u15", names, "follow", [f"{stream}?token={tokens[0]}"]),
            ("u16", ("fetch", "fetch", "fetch"), "read", [stream, bearer(tokens[1], method="POST")])]
    for (user, (hello, push, pong), function, given), token in zip(ways, tokens, strict=True):
        with Tab(browser, origin.name) as tab:
            tab.does(function, *given)
            frames = frames_of(proxy.address, tab.hears(by=hello, type="hello"))
            for number in range(3):
                place.push(number, user=user)
                tab.hears(by=push, data=number)
            posted = tab.ask(frames, **bearer(token, method="POST", body='{"type":"ping"}'))
            assert posted["status"] == 204, posted
            tab.hears(by=pong, type="pong")
        yield user


def goes_through(browser, place, origin, proxy):
    """A goodbye, a WebSocket, and polls that wait."""
    token = place.token("u17")
    with Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{proxy.address}/v1/sse?token={token}")
        tab.hears(by="holdfast.hello")
        place.ask("DELETE", "users/u17/sessions")
        tab.hears(by="holdfast.bye", reason="disconnected")
    with Tab(browser, origin.name) as tab:
        tab.does("speak", f"ws://{proxy.address}/v1/ws", {"type": "connect", "token": token})
        tab.hears(by="socket", type="hello")
        place.push("through", user="u17")
        tab.hears(by="socket", data="through")
    with Tab(browser, origin.name) as tab:
        address, init = f"http://{proxy.address}/v1/poll", bearer(place.token("u22"))
        seen = tab.ask(address, **init)["body"]
        for number in range(1, 4):
            tab.does("poll", f"{address}?session={seen['session']}&seen={seen['seen']}&wait=90s", init)
            place.push(number, user="u22")
            answer = tab.hears(number, by="poll", status=200)
            assert polled(answer) == [number], answer
            seen = answer["body"]


def run(given):
    """Every case that was asked for."""
    wanted = browsers.cases(sys.modules[__name__], given.names)
    with Processes() as servers, sync_playwright() as playwright:
        browser = browsers.launch(playwright, given)
        shared = {"place": Cluster(servers, given.binary), "origin": Origin(),
                  "servers": servers, "binary": given.binary}
        for case in wanted:
            print(case.__name__, flush=True)
            case(browser, **shared)
        servers.check()
    print(f"{len(wanted)} cases hold")
