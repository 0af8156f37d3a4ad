"""What TLS costs: memory of idle sessions, handshakes a second, and pushes meanwhile."""
