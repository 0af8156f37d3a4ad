// How sessions end and come back: gateways that end, tokens that do, ways that are blocked, pages that are loaded anew.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client, open, Place, token, until } from "./lab.js";

let place;

before(async () => { place = await Place.open(["--poll-grace", "2s", "--jwt-leeway", "1s"]); });
after(() => place.close());

test("a gateway that is drained is come back to when it was told", async (context) => {
  const { user, client } = await open(place, context);
  await client.hears("hello");
  await place.endGateway("SIGTERM");
  const bye = await client.hears("bye");
  assert.equal(bye.reason, "draining");
  const { pause } = client.states.find(({ state }) => state === "waiting");
  assert.equal(pause, bye.retry_ms);
  await place.keep({ user }, 1);
  await place.openGateway();
  await client.hears("hello", 2);
  await client.hears("push");
  assert.deepEqual(client.data, [1]);
});

test("a gateway that was killed is come back to", async (context) => {
  const { user, client } = await open(place, context);
  await client.hears("hello");
  await place.endGateway("SIGKILL");
  await client.is("waiting");
  await place.openGateway();
  await client.hears("hello", 2);
  await place.keep({ user }, 1);
  await client.hears("push");
  assert.deepEqual(client.data, [1]);
});

test("where a better way is blocked, the next is taken", async (context) => {
  const blocked = await open(place, context, {}, { refuses: /^(GET \/v1\/ws|POST \/v1\/sse)/ });
  await blocked.client.hears("hello");
  assert.equal(blocked.client.session.state.transport, "poll");
});

test("a token is refreshed before it expires", async (context) => {
  let asked = 0;
  const user = "refreshing";
  const next = async () => token(user, { ttl: asked++ ? 600 : 7 });
  const { client } = await open(place, context, { token: next });
  await client.hears("refreshed");
  assert.equal(client.all("hello").length, 1);
  assert.equal(asked, 2);
});

test("no token is asked for after a close", async (context) => {
  let asked = 0;
  let give;
  const next = () => (asked++ ? new Promise((done) => { give = done; }) : token("closing", { ttl: 7 }));
  const { client } = await open(place, context, { token: next });
  await until(() => give, "a newer token is asked for");
  client.close();
  // One that would be replaced at once.
  context.mock.timers.enable({ apis: ["setTimeout"] });
  give(token("closing", { ttl: 7 }));
  await new Promise(setImmediate);
  context.mock.timers.tick(7000);
  assert.equal(asked, 2);
});

test("a token that has expired is replaced", async (context) => {
  let asked = 0;
  const next = async () => token("expiring", { ttl: asked++ ? 600 : 3 });
  const { client } = await open(place, context, { token: next, transports: ["sse"] });
  await client.hears("bye");
  await client.hears("hello", 2);
  assert.equal(client.all("bye")[0].reason, "token_expired");
});

test("without a token it stays away", async (context) => {
  const { client, relay } = await open(place, context, { token: async () => null });
  assert.equal((await client.is("closed")).reason, "no_token");
  assert.equal(relay.heads.length, 0);
});

test("a token that cannot be had is asked for again", async (context) => {
  let asked = 0;
  const next = async () => {
    asked += 1;
    if (asked === 1) throw new Error("nobody there");
    return token("later");
  };
  const { client } = await open(place, context, { token: next });
  assert.match((await client.is("waiting")).detail, /nobody there/);
  await client.hears("hello");
});

test("cursors that are stored are gone on from", async (context) => {
  const there = new Map();
  const storage = { get: async (key) => there.get(key), set: async (key, value) => { there.set(key, value); } };
  const { user, client } = await open(place, context, { storage });
  const own = token(user);
  await client.hears("hello");
  client.session.subscribe("stored");
  await client.hears("subscribed");
  await place.keep({ user }, 1);
  await place.keep({ topic: "stored" }, 2);
  await client.hears("push", 2);
  await until(() => there.size === 2, "both are stored");
  client.close();
  await place.keep({ user }, 3);
  await place.keep({ topic: "stored" }, 4);
  const next = new Client(place.url, { token: own, storage });
  context.after(() => next.close());
  next.session.subscribe("stored");
  await next.hears("push", 2);
  assert.deepEqual(next.data.sort(), [3, 4]);
});

test("bounds have names", async (context) => {
  const { client } = await open(place, context);
  for (let number = 0; number < 100; number += 1) client.session.subscribe(`topic ${number}`);
  assert.throws(() => client.session.subscribe("one more"), RangeError);
});
