"""A machine of Debian's with systemd, as a container of docker."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGE = "holdfast-package-test:bookworm"
# What a server has, and what its packages are installed and looked at with.
PACKAGES = "systemd,systemd-sysv,curl,ca-certificates,procps"
PATIENCE = 120  # seconds; the longest wait for anything but the making of the image


def said(*command, timeout=PATIENCE):
    """Runs a command; its exit code and what it printed."""
    done = subprocess.run(list(map(str, command)), text=True, timeout=timeout, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.strip()


def run(*command, **options):
    """The same, where it has to succeed."""
    code, output = said(*command, **options)
    return output if code == 0 else sys.exit(f"failed: {' '.join(map(str, command))}\n{output}")


def eventually(what, probe, every=0.3):
    """Waits until `probe` returns something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(every)
    return sys.exit(f"FAILED  {what}: not within {PATIENCE} s")


def make_image():
    """From Debian's packages, since nothing else can be pulled everywhere; once."""
    if said("docker", "image", "inspect", IMAGE)[0] == 0:
        return
    template = "$(REPO_URI)"
    mirrors = run("apt-get", "indextargets", "--format", template, "Codename: bookworm").splitlines()
    mirror = sorted(mirrors)[0] if mirrors else "http://deb.debian.org/debian"
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        root = Path(folder) / "root"
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root, mirror,
            timeout=1800)
        packed = subprocess.Popen(["tar", "-C", root, "--exclude=./var/cache/apt/archives/*.deb", "-c", "."],
                                  stdout=subprocess.PIPE)
        subprocess.run(["docker", "import", "-", IMAGE], stdin=packed.stdout, check=True,
                       stdout=subprocess.DEVNULL, timeout=600)
        packed.wait()


class Machine:
    """A container in which systemd is the first process; it goes with the `with` block."""

    def __init__(self):
        # What systemd needs to be the first process: its control group, and the right to mount and to make
        # namespaces, for the sandboxes of its services. Not CAP_SYS_RESOURCE, which docker itself may lack.
        rights = ["--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=seccomp=unconfined",
                  "--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined",
                  "--volume=/sys/fs/cgroup:/sys/fs/cgroup"]
        self.id = run("docker", "run", "--detach", *rights, "--network=none", "--tmpfs=/run:exec",
                      "--tmpfs=/run/lock", "--tmpfs=/tmp:exec", "--env=container=docker",
                      "--stop-signal=SIGRTMIN+3", IMAGE, "/sbin/init")

    def __enter__(self):
        eventually("systemd is up", lambda: self.said("systemctl", "is-system-running")[1].splitlines()[-1:]
                   in (["running"], ["degraded"]))
        return self

    def __exit__(self, *_):
        said("docker", "rm", "--force", "--volumes", self.id)

    def said(self, *command, **options):
        """Runs a command in it; its exit code and what it printed."""
        return said("docker", "exec", self.id, *command, **options)

    def run(self, *command, **options):
        """The same, where it has to succeed."""
        return run("docker", "exec", self.id, *command, **options)

    def shell(self, script, **options):
        """The same by its shell."""
        return self.run("sh", "-c", script, **options)

    def start(self, *command, **streams):
        """Starts a command that goes on."""
        return subprocess.Popen(["docker", "exec", self.id, *map(str, command)], **streams)

    def copy(self, *files, to="/root/"):
        """Puts files into it."""
        for file in files:
            run("docker", "cp", file, f"{self.id}:{to}")

    def files(self):
        """All paths on its disk, but for logs, caches and what dpkg itself remembers."""
        skipped = ("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/var/log", "/var/cache",
                   "/var/lib/dpkg", "/var/lib/apt")
        pruned = " -o ".join(f"-path {path}" for path in skipped)
        return set(self.shell(f"find / \\( {pruned} \\) -prune -o -print").splitlines())
