// Which transport is used: the best that gets through.

import { openEvents } from "./events.js";
import { openPolls } from "./polls.js";
import { openWebSocket } from "./websocket.js";

const OPEN = { websocket: openWebSocket, sse: openEvents, poll: openPolls };
/** How often one that has worked may fail until the next is tried: a gateway that is started anew fails, too. */
const PATIENCE = 3;
/** How often the first is tried again where it did not get through, of all connections. */
const AGAIN = 0.1;

export function waysOf({ transports: names = Object.keys(OPEN) }) {
  let at = 0;
  let failures = 0;
  // The one that has worked last.
  let best;

  return {
    name_: () => names[at],

    open_: (...given) => OPEN[names[at]](...given),

    /** There is a session. */
    held_() {
      best = at;
    },

    /** An attempt is over: somebody has answered, or nothing got through. Returns whether to try another way at once. */
    over_(isAnswered) {
      failures = isAnswered ? 0 : failures + 1;
      if (failures >= (at === best ? PATIENCE : 1)) {
        failures = 0;
        if (names[++at]) return true;
        at = best ?? 0;
      }
      if (Math.random() < AGAIN) at = 0;
    },
  };
}
