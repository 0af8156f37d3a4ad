"""Pushes to the user "demo" with Python's standard library; prints the push's id."""

import json
import os
from urllib.request import Request, urlopen

api, key = os.environ.get("HOLDFAST_API", "http://127.0.0.1:8090"), os.environ.get("HOLDFAST_KEY", "")
push = {"to": {"user": "demo"}, "data": {"text": "hello from Python"}}
headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
with urlopen(Request(f"{api}/v1/push", json.dumps(push).encode(), headers), timeout=10) as answer:
    print(json.load(answer)["id"])
