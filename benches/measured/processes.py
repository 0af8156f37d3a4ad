"""Server processes that end with the `with` block, whatever happens in it."""

import subprocess
import tempfile
import time
import urllib.request


class Processes:
    """Starts processes; kills and collects all of them at the end."""

    def __init__(self):
        self.started = []

    def __enter__(self):
        return self

    def start(self, *command, env=None):
        """Starts one and returns its id; what it prints is shown if it ends early."""
        # Closed with the process, in __exit__.
        log = tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=env)
        process.log = log
        self.started.append(process)
        return process.pid

    def stop(self, pid):
        """Asks one to end and waits until it has; it is missed no more."""
        process = next(process for process in self.started if process.pid == pid)
        process.terminate()
        process.wait()
        process.log.close()
        self.started.remove(process)

    def check(self):
        """Ends the run if a server has ended."""
        for process in self.started:
            if process.poll() is not None:
                process.log.seek(0)
                text = process.log.read().decode(errors="replace")
                raise SystemExit(f"{' '.join(process.args)} ended:\n{text[-2000:]}")

    def wait_for(self, ready, what, seconds=60, client=None, every=0.2):
        """Waits until `ready()`; ends the run if that takes too long or somebody dies."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            if client:
                client.check()
            try:
                if ready():
                    return
            except OSError:
                pass
            time.sleep(every)
        raise SystemExit(f"{what}: not within {seconds} s")

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
        for process in self.started:
            process.wait()
            process.log.close()


def answers(url):
    """Whether an HTTP server says 200."""
    with urllib.request.urlopen(url, timeout=2) as response:
        return response.status == 200
