"""The programs behind the reports of a million connections, run against Holdfast."""
