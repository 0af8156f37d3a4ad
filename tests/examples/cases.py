"""The examples: which there are, what they need, and what they must have said or heard."""

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from benches.measured.processes import Processes
from tests import browsers
from tests.examples.place import SECONDS, Listener, Place
from tests.python_tools import ROOT

EXAMPLES = ROOT / "docs" / "examples"
JAVASCRIPT_CLIENT = ROOT / "clients" / "js" / "holdfast.js"
# Each that pushes: its program, what that is named in the commands, and what the user must be sent.
PUSHES = {
    "push.sh": (["sh"], ["hello from curl"]),
    "push.py": (["python3"], ["hello from Python"]),
    "push_holdfast.py": (["holdfast's python"], [f"hello {number} from holdfast" for number in range(3)]),
    "push.mjs": (["node"], ["hello from Node"]),
    "push.php": (["php"], ["hello from PHP"]),
    "Push.java": (["java"], ["hello from Java"]),
    "push.go": (["go", "run"], ["hello from Go"]),
    "push.rb": (["ruby"], ["hello from Ruby"]),
}
LISTENERS = {
    "listen.sh": ["sh"],
    "listen.mjs": ["node"],
    "listen_holdfast.mjs": ["node"],
    "listen_holdfast.py": ["holdfast's python"],
}
# What a listener must have printed, once each and in order.
SAID = [{"text": f"example {number}"} for number in range(3)]


class Failed(Exception):
    """An example did not do what it is there for."""


class LeftOut(Exception):
    """What an example needs is not there."""


def run(given):
    """All of them, without keys and with; how it went, as an exit code."""
    count = {"passed": 0, "failed": 0, "skipped": 0}
    python = client_python(given.names)
    for keys in (Place.without_keys, Place.with_keys):
        with Processes() as servers, tempfile.TemporaryDirectory(prefix="holdfast-go-") as cache:
            place = keys(Place(servers, given.binary))
            place.environment["GOCACHE"] = cache
            for name, case in all_cases(given, python):
                if not given.names or any(one in name for one in given.names):
                    count[verdict(name, keys.__name__, partial(case, place))] += 1
    print(", ".join(f"{number} {what}" for what, number in count.items()))
    return 1 if count["failed"] or not count["passed"] else 0


def verdict(name, keys, case):
    """Runs one, says how it went, and returns it."""
    try:
        case()
    except LeftOut as reason:
        print(f"{name}, {keys}: left out, {reason}")
        return "skipped"
    except (Failed, subprocess.SubprocessError) as error:
        print(f"{name}, {keys}: FAILED: {error}")
        return "failed"
    print(f"{name}, {keys}: ok")
    return "passed"


def all_cases(given, python):
    """Names and what to do; and no file of the folder is without a case."""
    found = {path.name for path in EXAMPLES.iterdir()} - {"README.md", "__pycache__"}
    known = {*PUSHES, *LISTENERS, "listen.html"}
    if found != known:
        raise SystemExit(f"without a case, or without a file: {sorted(found ^ known)}")
    for name, (program, texts) in PUSHES.items():
        yield name, partial(pushes, name, program, texts, python)
    for name, program in LISTENERS.items():
        yield name, partial(listens, name, program, python)
    yield "listen.html", partial(page, given)


def client_python(names):
    """The Python that has the package `holdfast`, where an example with it is asked for."""
    if names and not any(one in name for name in ("push_holdfast.py", "listen_holdfast.py") for one in names):
        return None
    from tests.python_client import installed_client
    return installed_client()


def command(name, program, python):
    """What runs an example, or why nothing does."""
    if name == "listen_holdfast.mjs" and not JAVASCRIPT_CLIENT.exists():
        raise LeftOut(f"{JAVASCRIPT_CLIENT.relative_to(ROOT)} is not there")
    first, *rest = program
    if first == "holdfast's python":
        return [python, EXAMPLES / name]
    if first == "sh" and shutil.which("curl") is None:
        raise LeftOut("curl is missing")
    if shutil.which(first) is None:
        raise LeftOut(f"{first} is missing")
    return [first, *rest, EXAMPLES / name]


def pushes(name, program, texts, python, place):
    """Runs one that pushes: the user is sent that, and nothing else, under the ids that it prints."""
    started = command(name, program, python)
    listener = Listener(place)
    done = subprocess.run(started, env=os.environ | place.environment, capture_output=True, text=True,
                          timeout=10 * SECONDS, check=False)
    sent = listener.since()
    place.forget()
    if done.returncode or [data for _, data in sent] != [{"text": text} for text in texts]:
        raise Failed(f"exit code {done.returncode}, {sent} was sent; {done.stdout}{done.stderr}")
    if not all(identity in done.stdout for identity, _ in sent):
        raise Failed(f"it prints {done.stdout!r}, and not the ids of {sent}")


def listens(name, program, python, place):
    """Runs one that listens, pushes, and reads what it prints."""
    started = command(name, program, python)
    with listening(started, place) as printed:
        for data in SAID:
            place.push(data)
        wait_for(lambda: len(found_in(printed())) >= len(SAID), name, printed)
        if found_in(printed()) != SAID:
            raise Failed(f"it prints {printed()!r}")


@contextlib.contextmanager
def listening(started, place):
    """A process that has the user's only session; what it has printed."""
    place.leave()
    wait_for(lambda: place.sessions() == 0, "others are gone", lambda: "")
    with tempfile.NamedTemporaryFile() as output:
        environment = os.environ | place.environment
        process = subprocess.Popen(started, env=environment, stdout=output, stderr=subprocess.STDOUT)
        printed = Path(output.name).read_text
        try:
            wait_for(lambda: place.sessions() == 1, "the example is online", printed)
            yield printed
        finally:
            process.kill()
            process.wait()


def wait_for(holds, what, printed):
    """Waits until it holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {SECONDS} s; {printed()!r}")
        time.sleep(0.05)


def found_in(text):
    """What was pushed by `SAID`, each time it stands in what was printed."""
    lines = [line.replace("'", '"') for line in text.splitlines()]
    return [data for line in lines for data in SAID if json.dumps(data["text"]) in line]


class Files(http.server.SimpleHTTPRequestHandler):
    """The folder of the examples; it prints nothing."""

    def log_message(self, *_):
        """Nothing."""


def in_browser(given, url, place):
    """What the page's list shows when it has as many entries as were pushed."""
    from playwright.sync_api import Error, sync_playwright
    with sync_playwright() as playwright, browsers.launch(playwright, given) as browser:
        page = browser.new_page()
        page.goto(url)
        wait_for(lambda: place.sessions() == 1, "the page is online", page.content)
        for data in SAID:
            place.push(data)
        try:
            page.locator("li").nth(len(SAID) - 1).wait_for(timeout=SECONDS * 1000)
        except Error as error:
            raise Failed(f"{error}") from error
        return page.locator("li").all_inner_texts()


def page(given, place):
    """Opens the page in a browser, from a server of its own."""
    if given.browser is None:
        raise LeftOut("chromium is missing")
    place.leave()
    wait_for(lambda: place.sessions() == 0, "others are gone", lambda: "")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=EXAMPLES)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/listen.html?{place.clients}/v1/sse?{urlencode(place.who())}"
        try:
            shown = in_browser(given, url, place)
        finally:
            server.shutdown()
    if shown != [json.dumps(data, separators=(",", ":")) for data in SAID]:
        raise Failed(f"it shows {shown}")
