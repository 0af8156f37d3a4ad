"""What the live page has to do, case by case."""

import os
import re
import signal
import sys

from playwright.sync_api import expect, sync_playwright

from benches.measured.processes import Processes
from tests import browsers

from .lab import DESK, PHONE, Place, Visit, refusing

PATIENCE = 30_000
# Longer than any pause that the page takes.
LONG = 10 * 60_000
OTHER_SECRET = "another secret, 32 bytes or more of it"
IMAGE = '<img src=x onerror="window.hacked = true">'


def state_is(visit, state):
    """Waits until the page's session is in this state."""
    expect(visit.at("state")).to_have_attribute("data-state", state)


def stays_away(visit, sockets):
    """However long one waits, the page opens no other WebSocket."""
    state_is(visit, "away")
    visit.tab.clock.run_for(LONG)
    state_is(visit, "away")
    assert visit.sockets == sockets, f"{visit.sockets} WebSockets"


def verdict_is(visit, verdict, *texts):
    """Waits until the page says so of its push."""
    expect(visit.at("result")).to_have_attribute("data-verdict", verdict)
    for text in texts:
        expect(visit.at("result")).to_contain_text(text)


def newest(visit):
    """What has arrived last."""
    return visit.tab.locator("#frames > li").first


def is_in_view(visit, box):
    """Whether all of a box is within the window."""
    size = visit.tab.viewport_size
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"] and box["x"] >= 0 \
        and box["x"] + box["width"] <= size["width"]


def a_push_arrives_without_keys(browser, development, **_):
    """The session is named, and so is what became of a push."""
    with Visit(browser, development) as visit:
        state_is(visit, "open")
        expect(visit.at("words")).to_contain_text("Connected as demo")
        session = visit.heard("hello")[0]["session"]
        expect(visit.at("session-id")).to_have_text(session)
        development.push({"number": 12345678901234567})
        # More than a JavaScript number can hold.
        expect(newest(visit)).to_contain_text('{"number": 12345678901234567}')
        visit.push('{"mine": true}')
        verdict_is(visit, "good", "Written to 1 session.", f"{session} (this page)")
        expect(newest(visit)).to_contain_text('{"mine": true}')


def a_user_and_topics_can_be_chosen(browser, development, **_):
    """What the gateway confirms is shown."""
    with Visit(browser, development) as visit:
        state_is(visit, "open")
        visit.tab.get_by_text("Who to connect as").click()
        visit.at("user").fill("somebody")
        visit.tab.get_by_role("button", name="Connect", exact=True).click()
        expect(visit.at("words")).to_contain_text("Connected as somebody")
        visit.tab.get_by_text("Who to connect as").click()
        visit.at("topic").fill("news")
        visit.at("topic").press("Enter")
        expect(visit.at("topics")).to_contain_text("news")
        visit.push("1", topic="news")
        verdict_is(visit, "good", "Written to 1 session.")
        expect(newest(visit)).to_contain_text("topic news")
        visit.tab.get_by_role("button", name="Unsubscribe from news").click()
        expect(visit.at("topics")).to_have_text("none")


def what_is_kept_is_shown_and_comes_again(browser, development, **_):
    """After a reload, too, until it is acknowledged."""
    with Visit(browser, development) as visit:
        state_is(visit, "open")
        expect(visit.at("kept-words")).to_have_text("nothing")
        visit.at("keep").fill("3600")
        # More than a JavaScript number can hold.
        visit.push('{"kept": 12345678901234567}')
        verdict_is(visit, "good", "Written to 1 session, kept.")
        expect(visit.at("kept-words")).to_contain_text("1 message, 27 B, the oldest from")
        for _ in range(2):
            expect(newest(visit)).to_contain_text('{"kept": 12345678901234567}')
            visit.tab.reload()
            state_is(visit, "open")
        expect(newest(visit)).to_contain_text('{"kept": 12345678901234567}')
        assert [hello["kept"] for hello in visit.heard("hello")] == [0, 1, 1]
        visit.tab.get_by_role("button", name="Acknowledge what has come").click()
        expect(visit.at("kept-words")).to_have_text("nothing")
        expect(visit.at("acknowledge")).to_be_hidden()
        visit.tab.reload()
        state_is(visit, "open")
        expect(visit.at("kept-words")).to_have_text("nothing")
        assert visit.heard("hello")[-1]["kept"] == 0


def a_push_to_nobody_is_no_success(browser, development, **_):
    """202 would be true, and no help."""
    with Visit(browser, development) as visit:
        state_is(visit, "open")
        visit.push("1", user="nobody")
        verdict_is(visit, "bad", "Nobody is online as nobody")
        visit.push("1", topic="nothing")
        verdict_is(visit, "bad", "Nobody is subscribed to nothing")


def problems_are_shown_with_their_place(browser, development, **_):
    """Those of pusher-api, and what is not even sent."""
    with Visit(browser, development) as visit:
        visit.push("1", user=".")
        verdict_is(visit, "bad", "Refused (422)", "At /to/user")
        visit.push("{")
        verdict_is(visit, "bad", "The data is not JSON")


def text_stays_text(browser, development, **_):
    """Whoever pushes says nothing to the browser."""
    with Visit(browser, development) as visit:
        state_is(visit, "open")
        visit.tab.get_by_text("Who to connect as").click()
        visit.at("topic").fill(IMAGE)
        visit.at("topic").press("Enter")
        expect(visit.at("topics")).to_contain_text(IMAGE)
        development.push(IMAGE, topic=IMAGE)
        expect(newest(visit)).to_contain_text("<img src=x")
        visit.push("1", user=IMAGE)
        verdict_is(visit, "bad", IMAGE)
        assert visit.tab.locator("img").count() == 0
        assert visit.tab.evaluate("window.hacked") is None
        policy = visit.response.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "unsafe" not in policy, policy


def a_closed_session_says_why_and_stays_away(browser, development, **_):
    """As `bye` without `retry_ms` asks for; the button is a person's will."""
    with Visit(browser, development) as visit:
        state_is(visit, "open")
        development.ask("DELETE", "users/demo/sessions")
        stays_away(visit, sockets=1)
        expect(visit.at("words")).to_have_text(
            "A backend closed this user's sessions. (disconnected, 1008)")
        visit.tab.get_by_role("button", name="Connect again").click()
        state_is(visit, "open")
        assert visit.sockets == 2


def without_a_token_it_says_how_to_get_one(browser, keys, **_):
    """And asks nobody before there is one."""
    with Visit(browser, keys) as visit:
        state_is(visit, "idle")
        expect(visit.at("words")).to_contain_text("token is missing")
        expect(visit.at("help")).to_contain_text("holdfast token --user demo --secret")
        expect(visit.at("user-field")).to_be_hidden()
        visit.connect("the-secret-itself")
        expect(visit.at("words")).to_contain_text("no token")
        stays_away(visit, sockets=0)


def a_refused_user_name_is_told_of_tokens(browser, place, **_):
    """Where only the gateway has keys, which pusher-api cannot know; a token opens it."""
    place.with_keys(api_is_open=True)
    with Visit(browser, place) as visit:
        stays_away(visit, sockets=1)
        expect(visit.at("causes")).to_contain_text("a token is missing")
        expect(visit.at("help")).to_contain_text("holdfast token --user demo --secret")
        expect(visit.at("hear")).to_contain_text(f"holdfast listen --target ws://{place.addresses[0]}/v1/ws")
        visit.connect(place.token("demo"))
        state_is(visit, "open")


def a_wrong_token_is_tried_once(browser, keys, **_):
    """One of another secret, and one that has expired."""
    for token, text in [
        (keys.token("demo", secret=OTHER_SECRET), "refused the token. It can be that"),
        (keys.expired_token("demo"), "it expired at"),
    ]:
        with Visit(browser, keys) as visit:
            visit.connect(token)
            expect(visit.at("words")).to_contain_text(text)
            expect(visit.at("help")).to_contain_text("holdfast token")
            stays_away(visit, sockets=1)


def with_token_and_key_a_push_arrives(browser, keys, **_):
    """And neither is kept or shown."""
    with Visit(browser, keys) as visit:
        token = keys.token("demo", "--topic", "news")
        visit.connect(token)
        state_is(visit, "open")
        expect(visit.at("help")).to_be_hidden()
        expect(visit.at("topics")).to_contain_text("news")
        visit.push()
        verdict_is(visit, "bad", "Refused (401)", "--api-key")
        expect(visit.at("kept-words")).to_have_text("An API key is needed, in the form for pushes.")
        visit.at("key").fill(keys.key)
        visit.push()
        verdict_is(visit, "good", "Written to 1 session.")
        expect(newest(visit)).to_contain_text('{"text": "hello"}')
        expect(visit.at("kept-words")).to_contain_text("pusher-api runs without --data")
        visit.tab.get_by_text("Gateways").click()
        expect(visit.at("gateways").locator("td[data-state=up]")).to_have_count(1)
        shown = visit.tab.evaluate("document.documentElement.innerText + location.href")
        assert token not in shown and keys.key not in shown
        assert not any("token" in address or token in address for address in visit.addresses)
        assert visit.tab.evaluate("localStorage.length + sessionStorage.length") == 0


def who_has_not_answered_is_named(browser, keys, **_):
    """A gateway that stands still says nothing of its sessions."""
    with Visit(browser, keys) as visit:
        visit.connect(keys.token("demo"))
        state_is(visit, "open")
        visit.at("key").fill(keys.key)
        name = keys.ask("GET", "gateways")["gateways"][0]["name"]
        os.kill(keys.gateway, signal.SIGSTOP)
        try:
            visit.push()
            verdict_is(visit, "warn", "Not complete", name)
        finally:
            os.kill(keys.gateway, signal.SIGCONT)
    keys.ready()


def await_its_gateway(visit, place):
    """A session whose gateway was stopped. From here on time stands still unless it is told to pass."""
    visit.connect(place.token("demo"))
    state_is(visit, "open")
    stand_still(visit)
    place.servers.stop(place.gateway)
    state_is(visit, "waiting")


def stand_still(visit):
    """No timer of the page fires from here on, unless time is told to pass."""
    # In seconds.
    visit.tab.clock.pause_at(visit.tab.evaluate("Date.now() / 1000") + 1)


def it_comes_back_when_it_was_told_to(browser, place, **_):
    """Not before `retry_ms`, with the time shown; and to who answers, whoever that is."""
    place.with_keys()
    with Visit(browser, place) as visit:
        await_its_gateway(visit, place)
        expect(visit.at("words")).to_contain_text("(draining, 1012)")
        bye = visit.heard("bye")[0]
        expect(visit.at("countdown")).to_contain_text("Comes back in")
        visit.tab.clock.run_for(bye["retry_ms"] - 1)
        assert visit.sockets == 1, "before it was told to"
        place.start_gateway()
        place.ready()
        visit.tab.clock.run_for(2)
        state_is(visit, "open")
        assert visit.sockets == 2


def who_is_refused_after_all_gives_up(browser, place, **_):
    """Told to come back, and whoever is there then says 503: some tries, and then a person has to decide."""
    place.with_keys()
    with Visit(browser, place) as visit:
        await_its_gateway(visit, place)
        with refusing(place.addresses[0]):
            for sockets in range(2, 7):
                seconds = int(re.search(r"\d+", visit.at("countdown").inner_text())[0])
                visit.tab.clock.run_for(seconds * 1000)
                expect(visit.at("state")).not_to_have_attribute("data-state", "connecting")
                assert visit.sockets == sockets, f"{visit.sockets} WebSockets"
            stays_away(visit, sockets=6)
            expect(visit.at("causes")).to_contain_text("what is in front of it refuses WebSockets")


def who_is_told_that_it_is_unknown_gives_up_at_once(browser, place, **_):
    """The successor has another secret, and says so."""
    place.with_keys()
    with Visit(browser, place) as visit:
        await_its_gateway(visit, place)
        place.start_gateway(secret=OTHER_SECRET)
        visit.tab.clock.run_for(visit.heard("bye")[0]["retry_ms"] + 1)
        stays_away(visit, sockets=2)
        expect(visit.at("words")).to_contain_text("refused the token")


def nobody_there_is_told_apart_from_a_refusal(browser, place, **_):
    """And tried again, in pauses."""
    place.with_keys()
    with Visit(browser, place) as visit:
        place.servers.stop(place.gateway)
        visit.connect(place.token("demo"))
        # Its first pause may be over before the gateway is there, and the button gone.
        stand_still(visit)
        state_is(visit, "waiting")
        expect(visit.at("words")).to_contain_text("Nobody answers at")
        place.start_gateway()
        visit.tab.get_by_role("button", name="Connect now").click()
        state_is(visit, "open")


def a_phone_shows_what_arrives(browser, development, keys, **_):
    """Without scrolling, also after the page's own push; nothing is wider than the window."""
    for place in [development, keys]:
        with Visit(browser, place, PHONE, is_mobile=True, has_touch=True) as visit:
            if place.key:
                visit.connect(place.token("demo"))
            state_is(visit, "open")
            place.push({"text": "from a backend"})
            expect(newest(visit)).to_contain_text("from a backend")
            assert is_in_view(visit, newest(visit).bounding_box()), newest(visit).bounding_box()
            if place.key:
                visit.at("key").fill(place.key)
            visit.push('{"text": "from here"}')
            expect(newest(visit)).to_contain_text("from here")
            assert is_in_view(visit, newest(visit).bounding_box()), newest(visit).bounding_box()
            assert visit.tab.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]


def everybody_can_use_it(browser, development, **_):
    """Names for all fields, arrivals that are read aloud, the keyboard, and the dark."""
    with Visit(browser, development) as visit:
        nameless = "[...document.querySelectorAll('input, select, textarea')].filter(it => !it.labels.length)"
        assert visit.tab.evaluate(f"{nameless}.length") == 0
        expect(visit.at("frames")).to_have_attribute("aria-live", "polite")
        state_is(visit, "open")
        visit.at("data").focus()
        visit.tab.keyboard.press("Tab")
        visit.tab.keyboard.press("Enter")
        verdict_is(visit, "good")
    grounds = set()
    for scheme in ["light", "dark"]:
        with Visit(browser, development, color_scheme=scheme) as visit:
            grounds.add(visit.tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2, grounds


def take_pictures(browser, development, keys, folder):
    """What the page looks like."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, viewport in [("desk", DESK), ("phone", PHONE)]:
        for scheme in ["light", "dark"]:
            with Visit(browser, development, viewport, color_scheme=scheme) as visit:
                state_is(visit, "open")
                for number in range(4):
                    development.push({"text": "hello", "number": number})
                visit.push('{"text": "from the page"}')
                verdict_is(visit, "good")
                visit.tab.screenshot(path=folder / f"{name}-{scheme}.png")
                development.ask("DELETE", "users/demo/sessions")
                state_is(visit, "away")
                visit.tab.screenshot(path=folder / f"{name}-{scheme}-closed.png")
        with Visit(browser, keys, viewport) as visit:
            state_is(visit, "idle")
            visit.tab.screenshot(path=folder / f"{name}-keys.png")
            visit.connect(keys.token("demo", secret=OTHER_SECRET))
            state_is(visit, "away")
            visit.tab.screenshot(path=folder / f"{name}-refused.png")


def run(given):
    """Every case that was asked for."""
    expect.set_options(timeout=PATIENCE)
    wanted = browsers.cases(sys.modules[__name__], given.names)
    with Processes() as servers, sync_playwright() as playwright:
        browser = browsers.launch(playwright, given)
        places = {"development": Place(servers, given.binary).development(),
                  "keys": Place(servers, given.binary).with_keys()}
        for case in wanted:
            print(case.__name__, flush=True)
            case(browser, **places, place=Place(servers, given.binary))
        if given.pictures:
            take_pictures(browser, **places, folder=given.pictures)
        servers.check()
    print(f"{len(wanted)} cases hold")
