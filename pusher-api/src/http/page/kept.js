// What is kept for the user of this page's session.

import { asking } from "./asking.js";
import { element, show } from "./dom.js";

function inWords(kept) {
  if (!kept) return "nothing can be: pusher-api runs without --data, or its store does not answer";
  if (kept.count === 0) return "nothing";
  const messages = `${kept.count.toLocaleString()} ${kept.count === 1 ? "message" : "messages"}`;
  return `${messages}, ${kept.bytes.toLocaleString()} B, the oldest from ${new Date(kept.oldest).toLocaleString()}`;
}

/** Makes it show; `whom` says who is connected, null for nobody. Returns what looks at once. */
export function begin(needsKey, whom) {
  const path = () => (whom() === null ? null : `v1/users/${encodeURIComponent(whom())}`);
  return asking(needsKey, path, ({ answer, words }) => {
    element("kept-words").textContent = answer ? inWords(answer.kept) : words;
    show(answer?.kept?.count > 0, "acknowledge");
  });
}
