// The gateways, asked for while somebody looks.

import { element, make } from "./dom.js";
import { headers } from "./push.js";

const EVERY = 2000;

function row({ name, state, users, queued_bytes: queued }) {
  const link = make("td", {}, state);
  link.dataset.state = state;
  return make("tr", {}, make("td", {}, name), link, make("td", { className: "number" }, users.toLocaleString()),
    make("td", { className: "number" }, `${queued.toLocaleString()} B`));
}

const note = (text) => make("tr", {}, make("td", { colSpan: 4, className: "faint" }, text));

/** The rows, and whether the key is not one for this. */
async function ask(needsKey) {
  if (needsKey && !headers().Authorization) {
    return { rows: [note("An API key is needed, in the form for pushes.")], isRefused: false };
  }
  try {
    const response = await fetch("v1/gateways", { headers: headers() });
    const answer = await response.json();
    if (response.ok) return { rows: answer.gateways.map(row), isRefused: false };
    return { rows: [note(`${response.status}: ${answer.detail}`)], isRefused: [401, 403].includes(response.status) };
  } catch {
    return { rows: [note("pusher-api does not answer.")], isRefused: false };
  }
}

/** Makes the table work. */
export function begin(needsKey) {
  const watch = element("watch");
  let timer = null;
  // Where a key was refused, another has to be given first.
  let refused = null;
  const look = async () => {
    clearTimeout(timer);
    const key = headers().Authorization;
    if (watch.open && !document.hidden && (refused === null || refused !== key)) {
      const { rows, isRefused } = await ask(needsKey);
      element("gateways").replaceChildren(...rows);
      refused = isRefused ? key : null;
    }
    clearTimeout(timer);
    if (watch.open) timer = setTimeout(look, EVERY);
  };
  watch.ontoggle = look;
}
