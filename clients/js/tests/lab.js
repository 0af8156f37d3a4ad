// Real processes for the tests, a way to them that can be cut, and what sessions hear.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { holdfast } from "../holdfast.js";

const BINARY = process.env.HOLDFAST ?? new URL("../../../target/debug/holdfast", import.meta.url).pathname;
const SECRET = "a secret of the gateway, 32 bytes or more";
const LINK_SECRET = "the secret of the link between them";
const KEY = "the key of a backend";
/** Only there so that a failure ends, in milliseconds. */
const PATIENCE = 30_000;

const pause = (time) => new Promise((done) => { setTimeout(done, time); });

/** Waits until something holds, and returns it. */
export async function until(holds, what) {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await pause(20)) {
    const found = await holds();
    if (found) return found;
  }
  throw new Error(`not within ${PATIENCE} ms: ${what}`);
}

async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }));
  const ports = servers.map((server) => server.address().port);
  servers.forEach((server) => server.close());
  return ports;
}

const isThere = (url) => fetch(url).then(({ ok }) => ok, () => false);

/** A token, good for so many seconds. */
export function token(user, { ttl = 600, ...claims } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const parts = [{ alg: "HS256", typ: "JWT" }, { sub: user, exp: now + ttl, subscribe: ["*"], ...claims }];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

/** A gateway and a pusher-api, both with keys. */
export class Place {
  /** Starts them; `flags` are more of the gateway's. */
  static async open(flags = []) {
    const place = new Place();
    place.flags = flags;
    [place.clients, place.tcp, place.operators, place.backends] = await freePorts(4);
    place.data = await mkdtemp(join(tmpdir(), "holdfast-js-"));
    await place.openGateway();
    place.pusher = place.#start("pusher-api", "--listen", `127.0.0.1:${place.backends}`, "--api-key", KEY,
      "--gateway", `http://127.0.0.1:${place.operators}`, "--link-secret", LINK_SECRET, "--data", place.data);
    await until(() => isThere(`http://127.0.0.1:${place.backends}/readyz`), "pusher-api is ready");
    return place;
  }

  #start(...command) {
    const process = spawn(BINARY, command, { stdio: "ignore" });
    process.ended = once(process, "exit");
    return process;
  }

  /** Where clients connect. */
  get url() {
    return `http://127.0.0.1:${this.clients}`;
  }

  /** Starts the gateway, also another time. */
  async openGateway() {
    this.gateway = this.#start("gateway", "--listen", `127.0.0.1:${this.clients}`, "--listen-tcp", `127.0.0.1:${this.tcp}`,
      "--listen-operators", `127.0.0.1:${this.operators}`, "--jwt-secret", SECRET, "--link-secret", LINK_SECRET,
      "--drain", "0s", ...this.flags);
    await until(() => isThere(`http://127.0.0.1:${this.operators}/healthz`), "the gateway listens");
  }

  /** Ends the gateway: SIGTERM drains it, SIGKILL says nothing to anybody. */
  async endGateway(signal) {
    this.gateway.kill(signal);
    await this.gateway.ended;
  }

  async ask(method, path, body) {
    const answer = await fetch(`http://127.0.0.1:${this.backends}/v1/${path}`, {
      method, body: body && JSON.stringify(body), headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** A push that is kept; `to` is `{user}` or `{topic}`. */
  keep(to, data) {
    return this.ask("POST", "push", { to, data, ttl: 600 });
  }

  async close() {
    for (const process of [this.gateway, this.pusher]) {
      process.kill("SIGKILL");
      await process.ended;
    }
    await rm(this.data, { recursive: true });
  }
}

/** A way to a gateway that can be cut, and that can refuse what begins so. */
export class Relay {
  static async open(port, { refuses = /^$/, swallows = /^$/ } = {}) {
    const relay = Object.assign(new Relay(), { ways: new Set(), heads: [], isOpen: true });
    relay.server = createServer((near) => relay.#pass(near, port, refuses, swallows)).listen(0, "127.0.0.1");
    await once(relay.server, "listening");
    relay.url = `http://127.0.0.1:${relay.server.address().port}`;
    return relay;
  }

  #pass(near, port, refuses, swallows) {
    near.on("error", () => near.destroy());
    if (!this.isOpen) return near.destroy();
    this.ways.add(near);
    near.once("close", () => this.ways.delete(near));
    return near.once("data", (first) => {
      const head = first.toString();
      this.heads.push(head);
      if (refuses.test(head)) return near.destroy();
      const far = connect(port, "127.0.0.1");
      far.on("error", () => near.destroy());
      far.once("close", () => near.destroy());
      near.once("close", () => far.destroy());
      far.write(first);
      near.pipe(far);
      return swallows.test(head) ? far.resume() : far.pipe(near);
    });
  }

  /** Cuts everything, and takes nobody until `mend`. */
  cut() {
    this.isOpen = false;
    for (const near of this.ways) near.destroy();
  }

  mend() {
    this.isOpen = true;
  }

  close() {
    this.cut();
    this.server.close();
  }
}

/** A session, and all that it was told. */
export class Client {
  constructor(url, options) {
    this.session = holdfast(url, options);
    this.states = [];
    this.heard = [];
    this.session.addEventListener("state", ({ detail }) => this.states.push(detail));
    for (const type of ["hello", "push", "gap", "subscribed", "refreshed", "recovered", "error", "bye"]) {
      this.session.addEventListener(type, ({ detail }) => this.heard.push(detail));
    }
    this.session.connect();
  }

  /** The frames of a type that have come. */
  all(type) {
    return this.heard.filter((frame) => frame.type === type);
  }

  /** Waits until so many of a type have come, and returns the last of them. */
  hears(type, count = 1) {
    const what = () => this.all(type).length >= count && this.all(type)[count - 1];
    return until(what, `${count} of ${type}`).catch((error) => {
      throw new Error(`${error.message}; ${JSON.stringify([this.states.slice(-5), this.heard])}`);
    });
  }

  is(state) {
    return until(() => this.session.state.state === state && this.session.state, state);
  }

  /** The data of the pushes that have come. */
  get data() {
    return this.all("push").map(({ data }) => data);
  }

  close() {
    this.session.close();
  }
}

let count = 0;

/** A user of one's own, a client that can be cut off, and what ends both. */
export async function open(place, context, options = {}, ways = {}) {
  count += 1;
  const user = `user ${count} ü`;
  const relay = await Relay.open(place.clients, ways);
  const client = new Client(relay.url, { token: token(user), ...options });
  context.after(() => { client.close(); relay.close(); });
  return { user, relay, client };
}
