// What a session does over each transport: what is kept comes exactly once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client, open, Place, token, until } from "./lab.js";

let place;

before(async () => { place = await Place.open(["--poll-grace", "2s", "--jwt-leeway", "1s"]); });
after(() => place.close());

/** Transports that there are here. Node has WebSockets of its own as of version 22. */
const TRANSPORTS = ["websocket", "sse", "poll"].filter((name) => name !== "websocket" || globalThis.WebSocket);

for (const transport of TRANSPORTS) {
  test(`${transport}: pushes arrive, and a token stands in no address`, async (context) => {
    const { user, relay, client } = await open(place, context, { transports: [transport] });
    assert.equal((await client.hears("hello")).user, user);
    assert.equal((await client.is("open")).transport, transport);
    await place.ask("POST", "push", { to: { user }, data: { text: "line\nü" } });
    assert.deepEqual((await client.hears("push")).data, { text: "line\nü" });
    for (const head of relay.heads) assert.doesNotMatch(head.split("\r\n")[0], /eyJ/);
  });

  test(`${transport}: what is kept comes once after the connection was cut`, async (context) => {
    const { user, relay, client } = await open(place, context, { transports: [transport] });
    await client.hears("hello");
    await place.keep({ user }, 1);
    await client.hears("push");
    relay.cut();
    await client.is("waiting");
    await place.keep({ user }, 2);
    relay.mend();
    await client.hears("push", 2);
    await place.keep({ user }, 3);
    await client.hears("push", 3);
    assert.deepEqual(client.data, [1, 2, 3]);
    assert.ok(client.all("hello").every(({ recovered }) => recovered));
  });

  test(`${transport}: a topic goes on where it was`, async (context) => {
    const { user, relay, client } = await open(place, context, { transports: [transport] });
    const topic = `topic of ${user}`;
    await place.keep({ topic }, 1);
    await client.hears("hello");
    client.session.subscribe(topic, "start");
    await client.hears("push");
    relay.cut();
    await client.is("waiting");
    await place.keep({ topic }, 2);
    relay.mend();
    await client.hears("push", 2);
    client.session.unsubscribe(topic);
    await until(async () => (await place.ask("GET", `topics/${encodeURIComponent(topic)}`)).sessions === 0, "nobody is there");
    assert.deepEqual(client.data, [1, 2]);
  });

  test(`${transport}: who is sent away does not come back`, async (context) => {
    const { user, client } = await open(place, context, { transports: [transport] });
    await client.hears("hello");
    await place.ask("DELETE", `users/${encodeURIComponent(user)}/sessions`);
    const state = await client.is("closed");
    assert.equal(state.reason, "disconnected");
    assert.equal(client.all("hello").length, 1);
  });

  test(`${transport}: a wrong token is tried once, and a new one after that`, async (context) => {
    const wrong = `${token("somebody").slice(0, -8)}AAAAAAAA`;
    const { client } = await open(place, context, { transports: [transport], token: wrong });
    assert.equal((await client.is("closed")).reason, "unauthorized");

    const tokens = [wrong, wrong, token("never asked for")];
    const { client: other } = await open(place, context, { transports: [transport], token: async () => tokens.shift() });
    assert.equal((await other.is("closed")).reason, "unauthorized");
    assert.equal(tokens.length, 1);

    const better = [wrong, token("better")];
    const { client: good } = await open(place, context, { transports: [transport], token: async () => better.shift() });
    assert.equal((await good.hears("hello")).user, "better");
  });

  test(`${transport}: what is acknowledged does not come to the next session`, async (context) => {
    const { user, client } = await open(place, context, { transports: [transport], ack: "manual" });
    await client.hears("hello");
    await place.keep({ user }, 1);
    await place.keep({ user }, 2);
    await client.hears("push", 2);
    client.session.ack(client.all("push")[0]);
    const [path, left] = [`users/${encodeURIComponent(user)}`, ({ kept }) => kept.count === 1];
    await until(async () => left(await place.ask("GET", path)), "it is deleted");
    const next = new Client(place.url, { token: token(user), transports: [transport] });
    context.after(() => next.close());
    await next.hears("push");
    assert.deepEqual(next.data, [2]);
  });
}
