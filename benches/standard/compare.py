"""Two tables side by side: `python3 -m benches.standard.compare BEFORE.json AFTER.json`."""

import json
import sys
from pathlib import Path

from benches.measured.numbers import ends, middle, show


def load(file):
    """A report and its rows by key."""
    report = json.loads(Path(file).read_text())
    return report["commit"], {row["key"]: row for row in report["figures"]}


def judged(*rows):
    """What commits are compared by: the ratio to the floor takes the machine's mood out."""
    return "ratio" if all(row["ratio"] for row in rows) else "value"


def main():
    """Prints a row for each figure that both have."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    (old, before), (new, after) = map(load, sys.argv[1:])
    print(f"| Figure | {old} | Range | {new} | Range | Change |\n|---|--:|--:|--:|--:|--:|")
    for key in (key for key in before if key in after):
        kind = judged(before[key], after[key])
        mine, theirs = before[key][kind], after[key][kind]
        first = mine["median"]
        change = f"{(theirs['median'] / first - 1) * 100:+.1f} %" if first else ""
        name = before[key]["name"] + (" / floor's" if kind == "ratio" else "")
        print(f"| {name} | {show(first)} | {ends(mine)} | {middle(theirs)} | {ends(theirs)} "
              f"| {change} |")


if __name__ == "__main__":
    main()
