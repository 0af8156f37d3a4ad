// What sessions over requests have in common: how they end, and what they say, in requests of their own.

/** Most frames that wait; beyond them the connection is given up, and what matters is said anew. */
const MOST_WAITING = 256;
/** Most frames in a request. */
const MOST_POSTED = 100;
/** How often a request is made that is not answered. */
export const TRIES = 4;

/**
 * How a failure ends a session. Nothing is known of what is no gateway's word about the session: another way may lead
 * past it.
 */
export function endOf({ status, detail, retry_ms }) {
  if (/40[13]/.test(status)) return { reason: "unauthorized", detail };
  return retry_ms >= 0 ? { reason: "overloaded", detail, retry_ms } : {};
}

/** A pause before something is tried once more, at random: up to 1 s, and then more. */
export function pause(failures) {
  return new Promise((done) => setTimeout(done, Math.random() * 1000 * 2 ** failures));
}

/** A transport whose frames `read` reads until it is over. */
export function overRequests(read) {
  return (site, hear, end) => {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = [];

    /** Posts what waits. Returns how many were dealt with; none where the request was not answered. */
    const post = (session) => {
      const frames = waiting.slice(0, MOST_POSTED);
      return site.ask_(`frames?session=${session}`, signal, frames.join("\n")).then(() => frames.length, ({ status, code, detail, pointer }) => {
        // Where it is no frame's fault, there may be no such session any more.
        if (!pointer) return status === 404 && end({});
        hear(JSON.stringify({ type: "error", code, detail }));
        // Those behind the refused one were not looked at.
        return 1 + +pointer.slice(1);
      });
    };

    const send = async (text, session) => {
      if (waiting.push(text) > MOST_WAITING) end({});
      // What is said together goes together, and one after the other.
      if (waiting[1]) return;
      await null;
      for (let failures = 0; waiting[0] && !signal.aborted;) {
        const count = await post(session);
        waiting.splice(0, count);
        failures = count ? 0 : failures + 1;
        if (failures === TRIES) end({});
        if (failures) await pause(failures);
      }
    };

    read(site, hear, signal).catch(endOf).then(end);
    return { send, close: () => controller.abort() };
  };
}
