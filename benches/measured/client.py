"""Runs of the load client, `holdfast stress`."""

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

# Few of them: the kernel keeps an entry for each local address and port in use, in a small table.
SOURCES = "127.0.0.2-127.0.0.5"


class Client:
    """One run; what it reports is there once it has ended."""

    def __init__(self, program, scenario, *flags, sessions):
        self.directory = tempfile.TemporaryDirectory()
        self.file = Path(self.directory.name) / "report.json"
        command = [program, "stress", scenario, "--sessions", sessions, "--sources", SOURCES]
        command += ["--json", self.file, *flags]
        # A file and no pipe: nobody reads along, and a full pipe would stop the client.
        self.said = Path(self.directory.name) / "stderr"
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=subprocess.DEVNULL, stderr=said
            )

    def check(self):
        """Ends the measuring if the client has ended before it was told to."""
        if self.has_ended():
            self.report()
            raise SystemExit("the load client ended before its time")

    def has_ended(self):
        """Whether the run is over."""
        return self.process.poll() is not None

    def wait(self, seconds=1800):
        """Waits until the run is over."""
        self.process.wait(timeout=seconds)

    def report(self, stop=False, seconds=1800):
        """The report; `stop` ends the run first, as Ctrl-C does."""
        if stop:
            self.process.send_signal(signal.SIGINT)
        try:
            self.wait(seconds)
        finally:
            self.process.kill()
        if not self.file.exists():
            said = self.said.read_text()[-2000:]
            raise SystemExit(f"no report; the load client said: {said}")
        report = json.loads(self.file.read_text())
        self.directory.cleanup()
        held, asked = report["sessions"]["held_to_end"], report["sessions"]["asked"]
        # Those who are on their way back are as good as there.
        held += (report.get("recalls") or {}).get("away", 0)
        if held != asked:
            reasons = report["failures"] + report["losses"]
            print(f"warning: {held} of {asked} sessions held: {reasons}", file=sys.stderr)
        return report


def lost(report):
    """Sessions that were asked for and were not there in the end."""
    return report["sessions"]["asked"] - report["sessions"]["held_to_end"]
