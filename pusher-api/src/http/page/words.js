// Why sessions end, in words. The names are those of the gateway's table (`CloseReason`).

/** What each reason means to a person. */
export const CLOSED = {
  client_left: "The client left.",
  going_away: "The gateway stopped at once.",
  ping_timeout: "The client did not answer the gateway's ping in time.",
  protocol_error: "The client broke a rule of WebSockets.",
  unsupported: "The client sent a binary message, which nobody here can use.",
  invalid_frame: "The client sent something that is not JSON.",
  unauthorized: "The token is missing, wrong, or another user's.",
  disconnected: "A backend closed this user's sessions.",
  frame_too_large: "The client sent a frame above the gateway's limit.",
  handshake_timeout: "The handshake was not complete in time.",
  draining: "The gateway is being drained: another one, or its successor, has room.",
  too_slow: "The client read more slowly than it was sent to.",
  overloaded: "The gateway has no room.",
  too_many_sessions: "The user has as many sessions as one may have.",
  token_expired: "The token has expired.",
  replaced: "A newer session of the same user and device took over.",
  too_many_frames: "The client sent more than the gateway's rate allows.",
};

/** The code with which a WebSocket is closed for each reason. */
const CODES = {
  1000: ["client_left"],
  1001: ["going_away", "ping_timeout"],
  1002: ["protocol_error"],
  1003: ["unsupported"],
  1007: ["invalid_frame"],
  1008: ["unauthorized", "disconnected", "handshake_timeout"],
  1009: ["frame_too_large"],
  1012: ["draining"],
  1013: ["too_slow", "overloaded", "too_many_sessions"],
  4401: ["token_expired"],
  4409: ["replaced"],
  4429: ["too_many_frames"],
};

const CUT = "The connection was cut without a goodbye: the network, a proxy, or the end of the gateway's process.";

/** Why a session was closed, with the name that logs and metrics have for it. */
export function closed(reason) {
  if (!reason) return CUT;
  const words = Object.hasOwn(CLOSED, reason) ? CLOSED[reason] : "The gateway closed the session.";
  const [code] = Object.entries(CODES).find(([, reasons]) => reasons.includes(reason)) ?? [];
  return `${words} (${reason}${code ? `, ${code}` : ""})`;
}

/** What became of a push at a session that did not get it. */
export function dropped(reason) {
  if (!reason) return "it did not get it";
  return Object.hasOwn(CLOSED, reason) ? `${reason}: ${CLOSED[reason]}` : reason;
}
