"""What the guest's kernel and processes said about themselves at one moment."""

import re

TICKS = 100


def difference(later, earlier):
    """None if either is missing."""
    return None if later is None or earlier is None else later - earlier


class Snapshot:
    """A folder of files from /proc and of metrics; any of them may be missing."""

    def __init__(self, folder):
        self.folder = folder
        self.exists = folder.is_dir()

    def text(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def bytes(self, file, field):
        """A line like `Slab: 12 kB`."""
        found = re.search(rf"^{field}:\s+(\d+)", self.text(file), re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    def resident(self, process):
        return self.bytes(f"{process}.status", "VmRSS")

    def slab(self):
        return self.bytes("meminfo", "Slab")

    def uptime(self):
        text = self.text("uptime")
        return float(text.split()[0]) if text else None

    def cpu_seconds(self, process):
        """In user mode and in the kernel: the 14th and 15th field of stat."""
        fields = self.text(f"{process}.stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS if fields else None

    def metric(self, name, over=sum):
        """A figure of the gateway's, over all its labels."""
        found = re.findall(rf"^{name}(?:{{.*?}})? (\S+)$", self.text("gateway.metrics"), re.MULTILINE)
        return over(map(float, found)) if found else None
