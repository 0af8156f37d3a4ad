"""What schemathesis has to be told about this API."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A batch is sent as it is written."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
