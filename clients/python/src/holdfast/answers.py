"""What pusher-api and gateways answer over HTTP has in common."""

import json
from typing import Any


def parsed(body: bytes) -> dict[str, Any]:
    """The object in a body; an empty one where there is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
