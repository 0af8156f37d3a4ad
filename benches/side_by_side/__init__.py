"""Holdfast, nchan and nats-server on one machine, one after another, in one run."""
