"""The standard set of runs, and the table that two commits are compared by."""
