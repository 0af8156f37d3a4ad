// A session with a gateway: opened, held, opened again where that can help, and left alone where it cannot.

import { answers, claimsOf, objection, refusal, silence, unauthorized } from "./refusal.js";
import { closed } from "./words.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** How often a gateway that had let this client in may refuse it until the page gives up. */
const MOST_REFUSALS = 5;
/** Codes after which a session may come back though no `bye` said so. */
const COME_BACK = new Set([1001, 1006, 1012, 1013, 4429]);

export class Session {
  #url;
  #needsToken;
  #onState;
  #onFrame;
  #credentials = null;
  #socket = null;
  #timer = null;
  #tries = 0;
  #wasIn = false;
  #hello = null;
  #bye = null;
  #topics = new Map();
  #cursor = null;

  /** `onState` is told how the session is doing, `onFrame` each frame as text and object. */
  constructor({ url, needsToken, onState, onFrame }) {
    this.#url = url;
    this.#needsToken = needsToken;
    this.#onState = onState;
    this.#onFrame = onFrame;
  }

  /** Connects as somebody, in place of the session there is. */
  connect(credentials) {
    this.#drop();
    this.#credentials = credentials;
    this.#tries = 0;
    this.#wasIn = false;
    this.again();
  }

  /** Connects as the one it was. */
  again() {
    this.#drop();
    const why = objection(this.#credentials, this.#needsToken);
    if (why) this.#onState(why);
    else this.#open();
  }

  /** Leaves, for good. */
  disconnect() {
    this.#drop();
    this.#onState({ kind: "idle", words: "You disconnected." });
  }

  /** Asks for a topic, or for no more of it; the answer is a frame. */
  subscribe(topic, isWanted) {
    const type = isWanted ? "subscribe" : "unsubscribe";
    if (this.#hello) this.#socket.send(JSON.stringify({ type, topics: [topic] }));
  }

  /** Says that everything kept for the user up to what has come is done with; it does not come again. */
  acknowledge() {
    if (this.#hello && this.#cursor) this.#socket.send(JSON.stringify({ type: "ack", cursor: this.#cursor }));
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = this.#hello = this.#bye = null;
    socket?.close(1000);
  }

  #address() {
    const { token, user } = this.#credentials;
    const query = new URLSearchParams();
    // A token is said in the first message: addresses are shown and logged.
    if (user && !token) query.set("user", user);
    // Gateways that know this say why they refuse, in a `bye`.
    query.set("refuse", "close");
    return `${this.#url}${this.#url.includes("?") ? "&" : "?"}${query}`;
  }

  #open() {
    this.#onState({ kind: "connecting", words: `Connecting to ${this.#url}.` });
    let socket;
    try {
      socket = new WebSocket(this.#address());
    } catch {
      this.#stayAway({ words: `The browser does not open ${this.#url} from here.` });
      return;
    }
    this.#socket = socket;
    // What an older socket has to say concerns nobody any more.
    const ifCurrent = (handle) => (event) => { if (this.#socket === socket) handle(event); };
    const { token } = this.#credentials;
    if (token) socket.onopen = ifCurrent(() => socket.send(JSON.stringify({ type: "connect", token })));
    socket.onmessage = ifCurrent((message) => this.#heard(message.data));
    socket.onclose = ifCurrent((event) => this.#ended(event));
  }

  #heard(text) {
    let frame;
    try { frame = JSON.parse(text); } catch { frame = { type: "?" }; }
    if (frame.type === "bye") this.#bye = frame;
    if (frame.type === "hello") this.#greeted(frame);
    // That of a topic says nothing of what is kept for the user.
    if (frame.type === "push" && frame.cursor && frame.topic === undefined) this.#cursor = frame.cursor;
    const isWanted = frame.type === "subscribed";
    if (isWanted || frame.type === "unsubscribed") {
      for (const { topic } of frame.topics) isWanted ? this.#topics.set(topic, "asked") : this.#topics.delete(topic);
      this.#tellOpen();
    }
    this.#onFrame(text, frame);
  }

  #greeted(hello) {
    this.#hello = hello;
    this.#cursor = null;
    this.#wasIn = true;
    this.#tries = 0;
    const { topics } = claimsOf(this.#credentials.token ?? "") ?? {};
    this.#topics = new Map((Array.isArray(topics) ? topics : []).map((topic) => [String(topic), "token"]));
    this.#tellOpen();
  }

  #tellOpen() {
    const { session, user } = this.#hello ?? {};
    const words = `Connected as ${user}: pushes to it arrive here.`;
    this.#onState({ kind: "open", words, session, user, topics: this.#topics });
  }

  async #ended({ code, reason }) {
    const [bye, hello, socket] = [this.#bye, this.#hello, this.#socket];
    this.#bye = this.#hello = null;
    if (bye || hello || reason) {
      const name = bye?.reason ?? reason;
      const words = closed(name, code);
      const comesBack = bye ? bye.retry_ms !== undefined : COME_BACK.has(code);
      const why = name === "unauthorized"
        ? { words, ...unauthorized(this.#credentials, this.#url) } : { words, needsToken: code === 4401 };
      return comesBack ? this.#comeBack(why, bye?.retry_ms) : this.#stayAway(why);
    }
    const isThere = await answers(this.#url);
    if (this.#socket !== socket) return;
    const why = isThere ? refusal(this.#credentials, this.#url) : silence(this.#url);
    const mayHelp = isThere ? this.#wasIn && this.#tries < MOST_REFUSALS : !why.isFinal;
    mayHelp ? this.#comeBack(why) : this.#stayAway(why);
  }

  /** Not before it was told to, and not at the same time as all others. */
  #comeBack(why, told = 0) {
    this.#socket = null;
    const own = Math.min(FIRST_PAUSE * 2 ** this.#tries, LONGEST_PAUSE) * (0.5 + Math.random());
    const pause = told ? Math.max(told * (1 + Math.random() / 4), this.#tries ? own : 0) : own;
    this.#tries += 1;
    this.#onState({ ...why, kind: "waiting", until: performance.now() + pause });
    this.#timer = setTimeout(() => this.#open(), pause);
  }

  #stayAway(why) {
    this.#socket = null;
    this.#onState({ ...why, kind: "away" });
  }
}
