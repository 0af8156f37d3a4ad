// Why a gateway may have refused a session. It says so itself where it knows the client's reason; of a WebSocket
// that is refused browsers tell pages nothing, so it is found out whether anybody answers there.

const PROBE_TIMEOUT = 5000;
const ELSEWHERE = "this page is of another site than the gateway takes: --allow-origin.";

/** The claims of a token, unchecked; null for what is no JWT. */
export function claimsOf(token) {
  const parts = token.split(".");
  if (parts.length !== 3 || parts.some((part) => !/^[\w-]+$/.test(part))) return null;
  try {
    const bytes = atob(parts[1].replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    const claims = JSON.parse(text);
    return claims && typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}

/** Whether anybody speaks HTTP where the WebSocket is. What they say cannot be read, and has not to be. */
export async function answers(url) {
  try {
    await fetch(url.replace(/^ws/, "http"), {
      mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PROBE_TIMEOUT),
    });
    return true;
  } catch {
    return false;
  }
}

/** What is said before a session is asked for; null where there is no reason not to ask. */
export function objection({ token, user }, needsToken) {
  if (!token && (needsToken || !user)) {
    return { kind: "idle", words: needsToken
      ? "A client's token is missing: keys are configured here, so a user name is not enough."
      : "Give a user name, or a client's token.", needsToken: true };
  }
  if (token && !claimsOf(token)) {
    return {
      kind: "away",
      words: "What was given is no token, so it was not sent anywhere.",
      causes: ["A token is a JWT: three parts of letters, digits, - and _, with dots between them."],
      needsToken: true,
    };
  }
  return null;
}

/** A client that is told why; it speaks no TLS. */
const listen = (url, who) => (url.startsWith("ws:") ? `holdfast listen --target ${url} ${who}` : "");

/** What a gateway can mean that says it does not know this client. */
export function unauthorized({ token }, url) {
  const hear = listen(url, token ? "--token …" : "--user …");
  if (!token) {
    const causes = [
      "keys are configured there, so that a token is missing: a user name does not stand in for one,",
      ELSEWHERE,
    ];
    return { causes, hear, needsToken: true };
  }
  const { exp } = claimsOf(token) ?? {};
  if (typeof exp === "number" && exp * 1000 <= Date.now()) {
    const time = new Date(exp * 1000).toLocaleString();
    return { words: `The gateway refused the token: it expired at ${time}.`, needsToken: true };
  }
  const causes = [
    "the token was signed with another secret or key than the gateway has,",
    "it lacks exp or sub, is not valid yet, or is for another issuer or audience,",
    "no keys are configured there: give a user name, and no token,",
    ELSEWHERE,
  ];
  return { words: "The gateway refused the token. It can be that", causes, hear, needsToken: true };
}

/** What can be said of a gateway that answers and refused the WebSocket itself. */
export function refusal({ token }, url) {
  return {
    words: "The gateway refused the session. Browsers do not tell a page why; it can be:",
    causes: [
      "the gateway is full or draining,",
      "what is in front of it refuses WebSockets,",
      ELSEWHERE,
    ],
    hear: listen(url, token ? "--token …" : "--user …"),
  };
}

/** What can be said where nobody answers. */
export function silence(url) {
  if (location.protocol === "https:" && url.startsWith("ws:")) {
    return { words: `A page that came by https may not open ${url}.`,
      causes: ["Give pusher-api a wss:// address with --page-websocket-url."], isFinal: true };
  }
  return { words: `Nobody answers at ${url}.`,
    causes: ["Is the gateway running? If it is elsewhere: pusher-api's --page-websocket-url says where."] };
}
