// What became of a push, in words. Only what was written to somebody is called a success.

import { dropped } from "./words.js";

/** Sessions that are listed one by one. */
const LISTED = 20;

const sessions = (count) => `${count} ${count === 1 ? "session" : "sessions"}`;

/** Who is not there, so that a push to them is gone. */
function nobody({ kind, name }) {
  const gone = "a push with ttl 0 is for who is there now, so it is gone.";
  if (kind === "all") return `Nobody is connected: ${gone}`;
  return kind === "topic" ? `Nobody is subscribed to ${name}: ${gone}` : `Nobody is online as ${name}: ${gone}`;
}

/** What the gateways did not say, and what they had no room for. */
function missing({ complete, unanswered = [], no_room: noRoom = [], unsupported = [], truncated }) {
  const list = [];
  if (complete === false) {
    list.push(`Not complete: ${unanswered.join(", ") || "a gateway"} did not answer in time. Whether sessions there got it is not known.`);
  }
  if (noRoom.length) list.push(`No room at ${noRoom.join(", ")}: nobody there gets it.`);
  if (unsupported.length) list.push(`${unsupported.join(", ")} does not know this kind of push: nobody there gets it.`);
  if (truncated) list.push("It reached more sessions than are listed.");
  return list;
}

function line({ session, gateway, device, outcome, reason }, own) {
  const where = `${session}${session === own ? " (this page)" : ""} at ${gateway}${device ? `, device ${device}` : ""}`;
  return `${where}: ${outcome}${outcome === "dropped" ? `, ${dropped(reason)}` : ""}`;
}

/** A receipt: how good it is, a sentence, and the particulars. */
export function received(answer, target, own) {
  if (!Array.isArray(answer.sessions)) {
    return { verdict: "warn", words: "Accepted; what became of it was not told.", lines: missing(answer) };
  }
  const count = (outcome) => answer.sessions.filter((one) => one.outcome === outcome).length;
  const [written, queued, lost] = ["written", "queued", "dropped"].map(count);
  const unsure = missing(answer);
  const listed = answer.sessions.slice(0, LISTED).map((one) => line(one, own));
  if (answer.sessions.length > LISTED) listed.push(`… and ${answer.sessions.length - LISTED} more`);
  const lines = [...unsure, ...listed];
  if (answer.sessions.length === 0) {
    if (answer.kept) return { verdict: "good", words: "It is kept; no session has it so far.", lines };
    if (unsure.length) return { verdict: "warn", words: "No session is known to have got it.", lines };
    // Of a topic and of everybody it is not known beforehand whether somebody is there.
    const hasLeft = answer.online && target.kind === "user";
    const words = hasLeft ? "Who it was for left in this moment: nobody got it." : nobody(target);
    return { verdict: "bad", words, lines };
  }
  const parts = [];
  if (written) parts.push(`written to ${sessions(written)}`);
  if (queued) parts.push(`waiting for ${sessions(queued)} to read`);
  if (lost) parts.push(`dropped at ${sessions(lost)}`);
  const verdict = lost && !written && !queued ? "bad" : lost || queued || unsure.length ? "warn" : "good";
  if (answer.kept) parts.push("kept");
  const words = parts.join(", ");
  return { verdict, words: `${words[0].toUpperCase()}${words.slice(1)}.`, lines };
}

/** A refusal: the problem (RFC 9457), with the place in the request that it is about. */
export function refused(status, problem, retryAfter) {
  const { title, detail, pointer } = problem ?? {};
  const lines = [];
  if (pointer) lines.push(`At ${pointer}`);
  if (retryAfter) lines.push(`It may be tried again after ${retryAfter} s.`);
  if (status === 401) lines.push("An API key is what pusher-api has as --api-key.");
  return { verdict: "bad", words: `Refused (${status}): ${detail ?? title ?? "without a word"}`, lines };
}
