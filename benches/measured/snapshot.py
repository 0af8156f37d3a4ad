"""What a kernel and its processes said about themselves at one moment, kept as files."""

from .formats import backlog_drops, field_bytes, kernel_counter, metric_values, stat_seconds


def difference(later, earlier):
    """None if either is missing."""
    return None if later is None or earlier is None else later - earlier


class Snapshot:
    """A folder of files from /proc and of metrics; any of them may be missing."""

    def __init__(self, folder):
        self.folder = folder
        self.exists = folder.is_dir()

    def text(self, name):
        """What a file says; nothing if it is missing."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def resident(self, process):
        """Bytes of RSS."""
        return field_bytes(self.text(f"{process}.status"), "VmRSS")

    def slab(self):
        """Bytes of the kernel's slab caches."""
        return field_bytes(self.text("meminfo"), "Slab")

    def tcp_counter(self, name):
        """A counter of the kernel's TCP, by its name in netstat."""
        return kernel_counter(self.text("netstat"), "TcpExt", name)

    def backlog_drops(self):
        """Packets that the kernel had no room for before it looked at them."""
        return backlog_drops(self.text("softnet_stat"))

    def uptime(self):
        """Seconds since that machine has started."""
        text = self.text("uptime")
        return float(text.split()[0]) if text else None

    def cpu_seconds(self, process):
        """Seconds of CPU that a process has used so far."""
        return stat_seconds(self.text(f"{process}.stat"))

    def metric(self, name, over=sum):
        """A figure of the gateway's, over all its labels."""
        found = metric_values(self.text("gateway.metrics"), name)
        return over(found) if found else None
