// A session with a gateway that is held: opened, opened again where that helps, and left alone where it does not.
// What is said goes down through `visit.js`, one connection, to one of the transports; what is heard comes up the
// same way, past `logs.js`, which knows what the application has had.

import { logsOf } from "./logs.js";
import { siteOf } from "./site.js";
import { tokenOf } from "./token.js";
import { visit } from "./visit.js";
import { waysOf } from "./ways.js";

/** The longest first pause of one's own choosing, in milliseconds; doubled with every try that led to nothing. */
const FIRST_PAUSE = 3000;
const LONGEST_PAUSE = 30_000;
/** How long a token may take. */
const TOKEN_WITHIN = 15_000;
/** The longest that a timer can wait: with more it fires at once. It may fire a part of a millisecond early. */
const LONGEST_TIMER = 2e9;
/** How soon who was not told when comes back where it may go better now, at most. */
const HURRY = 1000;
/** Most topics that can be wanted: as many as may stand in a frame. */
const MOST_TOPICS = 100;

export function holdfast(url, options = {}) {
  const session = new EventTarget();
  const wanted = new Map();
  const token = tokenOf(options.token);
  const logs = logsOf(options, (cursor) => say({ type: "ack", cursor }));
  const site = siteOf(url, options, token, logs);
  const ways = waysOf(options);
  let failures = 0;
  // Changes with each attempt: what comes of another than the newest is nobody's any more.
  let turn = 0;
  let current, timer, refreshTimer, watching, hasRenewed;

  const emit = (type, detail) => session.dispatchEvent(new CustomEvent(type, { detail }));
  const tell = (state, more) => emit("state", session.state = { transport: ways.name_(), ...more, state });
  const say = (frame) => current?.say_(frame);
  const later = (act, pause) => setTimeout(act, Math.min(pause + 1, LONGEST_TIMER));

  const leave = () => {
    turn++;
    clearTimeout(timer);
    current?.leave_();
    current = null;
  };

  /** Who is told when to come back keeps to it: others are told something else. Where that did not help, it may be longer. */
  const wait = (end) => {
    leave();
    const own = Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures);
    const told = end.retry_ms ?? own;
    const pause = Math.max(told, failures++ && own);
    timer = later(open, pause);
    tell("waiting", { ...end, pause });
  };

  const stop = (end) => {
    leave();
    clearTimeout(refreshTimer);
    watching?.abort();
    watching = null;
    tell("closed", end);
  };

  const ended = (end, hello) => {
    const { reason, retry_ms } = end;
    if (hello) failures = 0;
    if (reason && retry_ms === undefined) {
      // With another token it is not the one that was sent away.
      token.claims_ = {};
      hasRenewed = token.isFetched_ && (reason === "token_expired" || (reason === "unauthorized" && !hasRenewed));
      if (!hasRenewed) return stop(end);
    }
    return ways.over_(hello || reason) ? open() : wait(end);
  };

  const refreshLater = () => {
    const pause = token.refreshIn_();
    clearTimeout(refreshTimer);
    if (watching && pause) refreshTimer = later(async () => {
      const before = token.text_;
      // Without a new one it goes on to the end of the old one.
      await token.next_().catch(() => {});
      if (token.text_ !== before) say({ type: "refresh", token: token.text_ });
      refreshLater();
    }, pause);
  };

  /** Asks for topics from where the application is in them, or else from where it wants them. */
  const subscribe = (topics) => {
    if (topics[0]) say({ type: "subscribe", topics: topics.map(([topic, after]) => ({ topic, after: logs.of_(topic) ?? after })) });
  };

  const heard = (frame, text) => {
    const { type } = frame;
    if (type === "hello") {
      hasRenewed = false;
      ways.held_();
      subscribe([...wanted]);
      refreshLater();
      tell("open", frame);
    }
    logs.hear_(frame, () => {
      emit("frame", text);
      emit(type, frame);
    });
  };

  const load = (topics) => logs.load_(token.claims_.sub ?? options.user, topics);

  const open = async () => {
    leave();
    const own = turn;
    const fail = (error) => own === turn && wait({ detail: `${error}` });
    tell("connecting");
    timer = setTimeout(fail, TOKEN_WITHIN, "no_token");
    try {
      await token.ready_();
      await load([[""], ...(token.claims_.topics ?? []).map((topic) => [topic]), ...wanted]);
    } catch (error) {
      return fail(error);
    }
    if (own !== turn) return;
    clearTimeout(timer);
    if (!token.text_ && !options.user) return stop({ reason: "no_token" });
    current = visit(ways.open_, site, heard, ended);
  };

  /** Somebody looks, or not any more; or something happens to the network. */
  const look = () => {
    const { state, retry_ms } = session.state;
    if (globalThis.document?.hidden) logs.flush_();
    else if (state !== "waiting") current?.probe_();
    else if (retry_ms === undefined) {
      leave();
      timer = later(open, HURRY * Math.random());
    }
  };

  return Object.assign(session, {
    /** How it is doing. */
    state: { state: "closed" },

    /** Connects, at once where it waits to come back; does nothing where it is connected. */
    connect() {
      if (current) return;
      failures = 0;
      if (!watching) {
        watching = new AbortController();
        for (const type of ["online", "offline", "visibilitychange"]) globalThis.addEventListener?.(type, look, watching);
      }
      open();
    },

    /** Leaves, and stays away until `connect`. */
    close() {
      logs.flush_();
      stop({ reason: "client_left" });
    },

    /** Subscribes in this session and those that follow: from a cursor, from the `start` of what is kept, or from now on. */
    subscribe(topic, after) {
      if (wanted.size >= MOST_TOPICS) throw new RangeError("over 100 topics");
      wanted.set(topic, after);
      load([[topic, after]]).then(() => wanted.has(topic) && subscribe([[topic, after]]));
    },

    unsubscribe(topic) {
      wanted.delete(topic);
      say({ type: "unsubscribe", topics: [topic] });
    },

    ack: logs.acknowledge_,
  });
}
