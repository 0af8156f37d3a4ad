"""The four transports over plain sockets: each opens a session, brings its frames and takes some."""

from tests.faults.requests import Events, Polls
from tests.faults.sockets import Lines, WebSocket

TRANSPORTS = {"websocket": WebSocket, "tcp": Lines, "sse": Events, "poll": Polls}
