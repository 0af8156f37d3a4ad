// The live page: a session of its own, what arrives there, and pushes.

import * as arrivals from "./arrivals.js";
import { button, element, make, show } from "./dom.js";
import * as gateways from "./gateways.js";
import * as kept from "./kept.js";
import * as push from "./push.js";
import { hold } from "./telling.js";

const STATES = { idle: "not connected", connecting: "connecting", open: "connected", waiting: "coming back", away: "not connected" };
let ownSession = null;
let ownUser = null;
let lookAtKept = null;
let isComingBackAt = null;

function chip(session, [topic, origin]) {
  const made = make("span", { className: "topic" }, topic);
  if (origin === "token") made.append(make("span", { className: "faint" }, "by its token"));
  else made.append(button("×", `Unsubscribe from ${topic}`, () => session.subscribe(topic, false)));
  return made;
}

function tell(session, { kind, words, causes = [], hear = "", needsToken = false, until = null, topics, ...state }) {
  const isOpen = kind === "open";
  element("state").dataset.state = kind;
  element("state").textContent = STATES[kind];
  element("words").textContent = words;
  element("words").className = kind === "away" ? "failed" : "";
  element("causes").replaceChildren(...causes.map((cause) => make("li", {}, cause)));
  show(causes.length > 0, "causes");
  element("hear-command").textContent = hear;
  show(hear !== "", "hear");
  show(needsToken, "help");
  show(isOpen, "facts", "subscribe");
  show(isOpen || kind === "waiting" || kind === "connecting", "leave");
  show(["idle", "away", "waiting"].includes(kind) && !needsToken, "again");
  element("again").textContent = kind === "waiting" ? "Connect now" : "Connect again";
  const wasSession = ownSession;
  ownSession = isOpen ? state.session : null;
  ownUser = isOpen ? state.user : null;
  if (ownSession !== wasSession) {
    element("kept-words").textContent = "…";
    show(false, "acknowledge");
    lookAtKept();
  }
  isComingBackAt = until;
  countDown();
  if (isOpen) {
    element("session-id").textContent = state.session;
    const chips = [...topics].map((entry) => chip(session, entry));
    element("topics").replaceChildren(...(chips.length ? chips : ["none"]));
  }
  if (needsToken) element("connection").open = true;
  if (isOpen && !element("connection").contains(document.activeElement)) element("connection").open = false;
}

/** Outside what is read aloud, since it changes all the time. */
function countDown() {
  show(isComingBackAt !== null, "countdown");
  if (isComingBackAt === null) return;
  const seconds = Math.max(0, Math.ceil((isComingBackAt - performance.now()) / 1000));
  element("countdown").textContent = `Comes back in ${seconds} s.`;
}

async function settings() {
  const response = await fetch("page.json");
  const { websocket_url: url, needs_key: needsKey } = await response.json();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return { url: url ?? `${scheme}://${location.hostname}:8080/v1/ws`, needsKey };
}

async function begin() {
  arrivals.begin();
  let known;
  try { known = await settings(); } catch {
    element("words").textContent = "pusher-api, where this page comes from, does not answer. Load the page again.";
    element("words").className = "failed";
    return;
  }
  const { url, needsKey } = known;
  element("url").textContent = url;
  push.begin(needsKey, () => ownSession);
  gateways.begin(needsKey);
  lookAtKept = kept.begin(needsKey, () => ownUser);
  show(!needsKey, "user-field");
  let session = null;
  const connect = () => {
    session?.disconnect();
    const credentials = { token: element("token").value.trim(), user: needsKey ? "" : element("user").value };
    const subscribe = (...what) => session.subscribe(...what);
    const onState = (state) => tell({ subscribe }, state);
    session = hold({ url, needsToken: needsKey, credentials, onState, onFrame: arrivals.arrived });
  };
  element("connect").onsubmit = (submitted) => {
    submitted.preventDefault();
    element("connection").open = false;
    connect();
  };
  element("subscribe").onsubmit = (submitted) => {
    submitted.preventDefault();
    session.subscribe(element("topic").value, true);
    element("topic").value = "";
  };
  element("acknowledge").onclick = () => session.acknowledge();
  element("again").onclick = () => session.again();
  element("leave").onclick = () => session.disconnect();
  setInterval(countDown, 250);
  connect();
}

begin();
