// Server-sent events, read by fetch, so that the token goes in the body and a refusal can be read.

import { overRequests } from "./requests.js";

/** The longest event, in characters: more than the largest push has. */
const LONGEST_EVENT = 1_000_000;

export const openEvents = overRequests(async (site, hear, signal) => {
  const answer = await site.ask_("sse?refuse=close", signal, site.connect_(), {});
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; text.length < LONGEST_EVENT;) {
    const { value, done } = await reader.read();
    if (done) break;
    const events = (text + value).split("\n\n");
    text = events.pop();
    // What has no data is a sign of life.
    for (const event of events) hear(/^data: (.*)/m.exec(event)?.[1]);
  }
  return {};
});
