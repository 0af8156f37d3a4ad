// The client's token: asked for where there is none that is good, and anew before it expires.

/** Seconds that a token has to be good for, so that it is when it arrives. */
const GOOD_FOR = 5;

/** `source` is the token, or a function that gets one. */
export function tokenOf(source) {
  const isFetched = typeof source === "function";
  // By this machine's clock, in seconds; not a number where there is no end.
  const left = () => token.claims_.exp - Date.now() / 1000;

  const token = {
    isFetched_: isFetched,
    /** What it says; without, another one is asked for. */
    claims_: {},

    /** Sees to it that there is one, and that it is good as far as can be known here. */
    ready_: () => left() > GOOD_FOR || token.next_(),

    /** Gets one. */
    async next_() {
      token.text_ = isFetched ? await source() : source;
      token.claims_ = claimsOf(token.text_);
    },

    /** In how many milliseconds to get the next one, in the last part of this one's time; nothing for not at all. */
    refreshIn_: () => isFetched && left() > GOOD_FOR && left() * (600 + 300 * Math.random()),
  };
  return token;
}

/** The claims of a token, unchecked. Letters that are not ASCII are not as they were, but the same each time. */
function claimsOf(text) {
  try {
    return JSON.parse(atob(text.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return {};
  }
}
