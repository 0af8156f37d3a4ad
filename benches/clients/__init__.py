"""What client libraries reach beside plain HTTP."""
