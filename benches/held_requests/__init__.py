"""HTTP requests that a server holds until there is something to say: streams of events and long polls."""
