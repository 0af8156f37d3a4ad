"""A client and a backend of the machine: kept pushes, each of which has to arrive once and in order."""

import json
import subprocess
import threading


class Listener:
    """`holdfast listen`, which comes back where it was told to, and the frames that it printed."""

    def __init__(self, machine, user):
        token = machine.run("holdfast", "token", f"--user={user}", "--secret-file=/etc/holdfast/jwt.secret")
        self.process = machine.start("holdfast", "listen", "--json", "--ack", f"--token={token}",
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.frames, self.partings = [], []
        self.readers = [threading.Thread(target=self.read), threading.Thread(target=self.read_partings)]
        for reader in self.readers:
            reader.start()

    def read(self):
        """Frames, a line each."""
        for line in self.process.stdout:
            if line.startswith("{"):
                self.frames.append(json.loads(line))

    def read_partings(self):
        """Why its sessions ended."""
        self.partings.extend(line.strip() for line in self.process.stderr)

    def count(self, kind):
        """How many frames of a kind have come."""
        return sum(frame["type"] == kind for frame in self.frames)

    def numbers(self):
        """What the pushes said, in the order in which they came."""
        return [frame["data"]["number"] for frame in self.frames if frame["type"] == "push"]

    def end(self):
        """Ends it."""
        self.process.kill()
        for reader in self.readers:
            reader.join()
        self.process.wait()


class Backend:
    """Pushes numbers, kept for an hour, until it is told to stop."""

    def __init__(self, machine, user):
        self.machine, self.user = machine, user
        self.key = machine.shell("sed 's/.*://' /etc/holdfast/api.keys")
        self.accepted, self.refused = 0, 0
        self.over = threading.Event()
        self.pusher = threading.Thread(target=self.push_all)

    def status(self, body):
        """What pusher-api answers to a push."""
        return self.machine.said(
            "curl", "--silent", "--max-time", "10", "--output", "/dev/null", "--write-out", "%{http_code}",
            "--header", f"authorization: Bearer {self.key}", "--header", "content-type: application/json",
            "--data", json.dumps(body), "http://127.0.0.1:8090/v1/push")[1]

    def push(self):
        """The next number; it is tried again where it was not taken, as 503 and no answer ask for."""
        body = {"to": {"user": self.user}, "ttl": 3600, "data": {"number": self.accepted},
                "id": f"00000000-0000-4000-8000-{self.accepted + 1:012d}"}
        status = self.status(body)
        self.accepted += status == "202"
        self.refused += status != "202"
        return status

    def push_all(self):
        """One after another."""
        while not self.over.is_set():
            self.push()

    def __enter__(self):
        self.pusher.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.pusher.join()
