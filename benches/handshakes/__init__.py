"""What a handshake costs a gateway, by its token and by what becomes of it."""
