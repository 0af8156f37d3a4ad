"""What pushes cost that are kept: how many a second, how late they are, and what they leave on the disk."""
