"""Drives docker and compose for limits-walkthrough and tests/run."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LIMIT = 300  # seconds; the longest wait for anything but a build
PORTS = ("CLIENTS", "CLIENTS_TCP", "OPERATORS", "BACKENDS", "PROMETHEUS", "GRAFANA")


def compose_command():
    """$COMPOSE if given, else v2 where it is there, else v1."""
    if "COMPOSE" in os.environ:
        return os.environ["COMPOSE"].split()
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]


class Lab:
    """A compose project of its own, on ports that the system chooses."""

    def __init__(self, name, **settings):
        self.name = f"holdfast-{name}-{os.getpid()}"
        self.compose_command = compose_command()
        self.environment = {**{f"{port}_PORT": "0" for port in PORTS}, **os.environ}
        self.set(COMPOSE_PROJECT_NAME=self.name, COMPOSE_PROFILES="small", **settings)

    def set(self, **settings):
        """Sets variables of .env."""
        self.environment.update({name: str(value) for name, value in settings.items()})

    def attempt(self, *command, timeout=LIMIT):
        """Runs a command and returns its exit code and what it prints."""
        done = subprocess.run(command, cwd=FOLDER, env=self.environment, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.strip()

    def run(self, *command, **options):
        """The same, where it has to succeed."""
        code, output = self.attempt(*command, **options)
        return output if code == 0 else sys.exit(f"failed: {' '.join(command)}\n{output}")

    def compose(self, *arguments, **options):
        """Runs compose; it has to succeed."""
        return self.run(*self.compose_command, *arguments, **options)

    def container(self, service):
        """The id of a service's container, running or not."""
        return self.compose("ps", "-a", "-q", service).splitlines()[0]

    def inspect(self, what, template):
        """A field of a container or an image."""
        return self.run("docker", "inspect", "--format", template, what)

    def is_healthy(self, service):
        """Whether its health check succeeds."""
        return self.inspect(self.container(service), "{{.State.Health.Status}}") == "healthy"

    def address(self, service, port):
        """Where a port of a service is reached from here."""
        return f"http://{self.compose('port', service, str(port)).splitlines()[-1]}"

    def get(self, service, port, path):
        """What a service answers."""
        with urllib.request.urlopen(self.address(service, port) + path, timeout=30) as answer:
            return answer.read().decode()

    def stress(self, *flags):
        """Runs stress on its own; returns its exit code, its report and its log."""
        started = self.compose("run", "-d", "--no-deps", "stress", "stress", *flags,
                               "--json=/reports/run.json")
        client = started.splitlines()[-1]
        code = int(self.run("docker", "wait", client))
        log = self.run("docker", "logs", client)
        report = self.report(client, "run.json")
        self.run("docker", "rm", client)
        return code, report, log

    def report(self, stopped, name):
        """A report out of the volume of a container that has ended."""
        with tempfile.TemporaryDirectory() as folder:
            code, said = self.attempt("docker", "cp", f"{stopped}:/reports/{name}", folder)
            if code != 0:
                sys.exit(f"no report: {said}\n{self.run('docker', 'logs', stopped)}")
            return json.loads((Path(folder) / name).read_text())

    def down(self):
        """Removes containers, networks and volumes."""
        self.attempt(*self.compose_command, "unpause")
        code, said = self.attempt(*self.compose_command, "down", "--volumes", "--remove-orphans")
        if code != 0:
            print(f"project {self.name} is still there: {said}", file=sys.stderr)


def eventually(what, probe):
    """Waits until `probe` returns something."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.5)
    return sys.exit(f"FAILED  {what}: not within {LIMIT} s")
