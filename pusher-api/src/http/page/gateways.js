// The gateways, asked for while somebody looks.

import { asking } from "./asking.js";
import { element, make } from "./dom.js";

function row({ name, state, users, queued_bytes: queued }) {
  const link = make("td", {}, state);
  link.dataset.state = state;
  return make("tr", {}, make("td", {}, name), link, make("td", { className: "number" }, users.toLocaleString()),
    make("td", { className: "number" }, `${queued.toLocaleString()} B`));
}

const note = (text) => make("tr", {}, make("td", { colSpan: 4, className: "faint" }, text));

/** Makes the table work. */
export function begin(needsKey) {
  const watch = element("watch");
  watch.ontoggle = asking(needsKey, () => (watch.open ? "v1/gateways" : null), ({ answer, words }) => {
    element("gateways").replaceChildren(...(answer ? answer.gateways.map(row) : [note(words)]));
  });
}
