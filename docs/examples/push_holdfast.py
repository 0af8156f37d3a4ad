"""Pushes to the user "demo" with the package `holdfast`: fire and forget, `push` waits for no network."""

import os

import holdfast

api, key = os.environ.get("HOLDFAST_API", "http://127.0.0.1:8090"), os.environ.get("HOLDFAST_KEY")
with holdfast.Pusher(api, key, on_given_up=print) as pusher:
    for number in range(3):
        print(pusher.push({"text": f"hello {number} from holdfast"}, user="demo", ttl=3600))
