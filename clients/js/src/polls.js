// Long polls: each answer brings what is new, and the next request says that it has come.

import { endOf, overRequests, pause, TRIES } from "./requests.js";

export const openPolls = overRequests(async (site, hear, signal) => {
  let session, seen;

  /** Asks once. Returns whether there was news. */
  const poll = async () => {
    // Proxies often give up after half a minute.
    const what = session ? `session=${session}&seen=${seen}&wait=25s` : `after=${site.after_().join("&after=")}`;
    const answer = await site.ask_(`poll?${what}`, signal);
    if (answer.status === 204) return hear();
    const news = await answer.json();
    ({ session, seen } = news);
    for (const frame of news.frames) hear(JSON.stringify(frame));
    return true;
  };

  for (let failures = 0; ;) {
    let end;
    const isNews = await poll().catch((problem) => { end = endOf(problem); });
    failures = end ? failures + 1 : 0;
    // A first one that fails may be blocked; a later one was cut, and what it brought comes again.
    if (end && (!session || end.reason || failures === TRIES || signal.aborted)) return end;
    // Without news, so that who answers at once is not asked all the time.
    if (!isNews) await pause(failures);
  }
});
