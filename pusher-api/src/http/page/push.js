// Pushes from this page, each with a receipt.

import { element, make, show } from "./dom.js";
import { received, refused } from "./receipt.js";

/** How long a receipt is waited for. */
const RECEIPT = "2s";
const MOST_REMEMBERED = 1000;

/** When this page asked for a push, by its id: the clock of one machine measures both ends. */
const asked = new Map();

function identifier() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** How long a push was under way, as well as it can be known. */
export function latency({ id, cursor }) {
  if (asked.has(id)) return `${(performance.now() - asked.get(id)).toFixed(1)} ms`;
  // A UUIDv7 begins with the milliseconds at which it was made. What is kept may have lain since then.
  if (cursor !== undefined || id?.[14] !== "7") return "";
  return `~${Math.max(0, Date.now() - parseInt(id.replace("-", "").slice(0, 12), 16))} ms`;
}

/** What a request shows of the backend. */
export function headers() {
  const key = element("key").value.trim();
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function tell({ verdict, words, lines = [] }) {
  const result = element("result");
  const list = lines.length ? [make("ul", {}, ...lines.map((line) => make("li", {}, line)))] : [];
  result.dataset.verdict = verdict;
  result.replaceChildren(words, ...list);
}

function target() {
  const kind = element("kind").value;
  const name = element("name").value;
  const ttl = kind === "all" ? 0 : Number(element("keep").value);
  return { kind, name, ttl, to: kind === "all" ? { all: true } : { [kind]: name } };
}

async function send(own) {
  const data = element("data").value;
  try { JSON.parse(data); } catch (error) {
    tell({ verdict: "bad", words: `The data is not JSON: ${error.message}` });
    return;
  }
  const { to, ...whom } = target();
  const id = identifier();
  if (asked.size >= MOST_REMEMBERED) asked.delete(asked.keys().next().value);
  // The data goes as it was written: reading it and writing it again would change large numbers.
  const body = `{"to":${JSON.stringify(to)},"id":"${id}","ttl":${whom.ttl},"data":${data}}`;
  asked.set(id, performance.now());
  try {
    const response = await fetch(`v1/push?receipt=${RECEIPT}`, {
      method: "POST", body, headers: { ...headers(), "Content-Type": "application/json" },
    });
    const answer = await response.json().catch(() => null);
    const isTaken = response.ok && answer;
    tell(isTaken ? received(answer, whom, own()) : refused(response.status, answer, response.headers.get("Retry-After")));
  } catch {
    tell({ verdict: "bad", words: "pusher-api does not answer." });
  }
}

/** Makes the form work; `own` says which session this page has. */
export function begin(needsKey, own) {
  show(needsKey, "key-field");
  element("kind").onchange = () => {
    const isNamed = element("kind").value !== "all";
    show(isNamed, "name-field", "keep-field");
    for (const field of ["name", "keep"]) element(field).disabled = !isNamed;
  };
  element("push").onsubmit = async (submitted) => {
    submitted.preventDefault();
    tell({ verdict: "", words: "Waiting for what becomes of it …" });
    await send(own);
  };
}
