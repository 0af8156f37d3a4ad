"""How the kernel and the servers write about themselves: what a field of /proc and a metric are.

`readings` gets these texts while everything runs, `snapshot` from files that were kept.
"""

import os
import re

# An architecture's own, whatever machine of it a text comes from.
TICKS = os.sysconf("SC_CLK_TCK")


def field_bytes(text, field):
    """Bytes in a line like `VmRSS:  12 kB` of status, smaps_rollup or meminfo; None without one."""
    found = re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def stat_seconds(text):
    """Seconds in user mode and in the kernel, the 14th and 15th field of stat; None without them."""
    # The second field is the program's name in brackets and may contain anything.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else None


def kernel_counter(text, group, name):
    """A counter of netstat or snmp, which have a line of names and one of figures for each group."""
    lines = [line.split() for line in text.splitlines() if line.startswith(f"{group}: ")]
    if len(lines) != 2 or name not in lines[0]:
        return None
    return int(lines[1][lines[0].index(name)])


def backlog_drops(text):
    """Packets that found a processor's queue full: the second hexadecimal figure of each line of
    softnet_stat; None without a line."""
    rows = [line.split() for line in text.splitlines() if line]
    return sum(int(row[1], 16) for row in rows) if rows else None


def metric_values(text, name):
    """The values of a Prometheus metric, one for each set of labels; none if it is not there."""
    found = (line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")))
    return [float(line.split()[-1]) for line in found]
