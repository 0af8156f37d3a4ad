"""What the measurements share: servers in a network namespace, the load client, readings."""
