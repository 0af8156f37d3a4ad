// What the page says of its session, which `holdfast.js` holds; and when the page gives up, though that would not.

import { holdfast } from "../holdfast.js";
import { answers, claimsOf, objection, refusal, silence, unauthorized } from "./refusal.js";
import { closed } from "./words.js";

/** How often a gateway that had let this client in may refuse it until the page gives up. */
const MOST_REFUSALS = 5;

/** Connects as somebody. `onState` is told how the session is doing, `onFrame` each frame as text and object. */
export function hold({ url, needsToken, credentials, onState, onFrame }) {
  const { token, user } = credentials;
  const session = holdfast(url, { token: token || undefined, user: token ? undefined : user, ack: "manual" });
  let topics = new Map();
  let newest, wasOpen, wasIn, refusals;

  const stayAway = (why) => {
    session.close();
    onState({ ...why, kind: "away" });
  };

  const isWaiting = async (state) => {
    const until = performance.now() + state.pause;
    const isCut = wasOpen || state.reason;
    wasOpen = false;
    onState({ kind: "waiting", words: isCut ? closed(state.reason) : `No session at ${url}.`, until });
    if (isCut) return;
    const isThere = await answers(url);
    if (session.state !== state) return;
    const why = isThere ? refusal(credentials, url) : silence(url);
    if (isThere) refusals += 1;
    const mayHelp = isThere ? wasIn && refusals < MOST_REFUSALS : !why.isFinal;
    if (mayHelp) onState({ ...why, kind: "waiting", until });
    else stayAway(why);
  };

  const isClosed = ({ reason }) => {
    if (reason === "client_left") return onState({ kind: "idle", words: "You disconnected." });
    const words = closed(reason);
    const why = reason === "unauthorized" ? unauthorized(credentials, url) : { needsToken: reason === "token_expired" };
    return onState({ words, ...why, kind: "away" });
  };

  const tellOpen = () => {
    const { user: name, session: id } = session.state;
    onState({ kind: "open", words: `Connected as ${name}: pushes to it arrive here.`, session: id, user: name, topics });
  };

  const isOpen = () => {
    wasOpen = wasIn = true;
    refusals = 0;
    newest = null;
    const { topics: own } = claimsOf(token ?? "") ?? {};
    topics = new Map((Array.isArray(own) ? own : []).map((topic) => [String(topic), "token"]));
    tellOpen();
  };

  const changes = (change) => ({ detail }) => {
    for (const { topic } of detail.topics) change(topic);
    tellOpen();
  };

  session.addEventListener("state", ({ detail }) => {
    const { state } = detail;
    if (state === "connecting") onState({ kind: "connecting", words: `Connecting to ${url}.` });
    if (state === "waiting") isWaiting(detail);
    if (state === "closed") isClosed(detail);
    if (state === "open") isOpen();
  });
  session.addEventListener("frame", ({ detail }) => onFrame(detail, JSON.parse(detail)));
  session.addEventListener("subscribed", changes((topic) => topics.set(topic, "asked")));
  session.addEventListener("unsubscribed", changes((topic) => topics.delete(topic)));
  // That of a topic says nothing of what is kept for the user.
  session.addEventListener("push", ({ detail }) => { if (detail.cursor && detail.topic === undefined) newest = detail; });

  const again = () => {
    refusals = 0;
    const why = objection(credentials, needsToken);
    if (why) onState(why);
    else session.connect();
  };
  again();

  return {
    /** Connects as the one it was. */
    again,
    /** Leaves, for good. */
    disconnect: () => session.close(),
    /** Asks for a topic, or for no more of it. */
    subscribe: (topic, isWanted) => (isWanted ? session.subscribe(topic) : session.unsubscribe(topic)),
    /** Says that everything kept for the user up to what has come is done with; it does not come again. */
    acknowledge: () => newest && session.ack(newest),
  };
}
