// Where the gateway is, and as whom it is asked.

/** `url` is a gateway's, or that of its WebSocket. */
export function siteOf(url, { user, device, WebSocket = globalThis.WebSocket }, token, logs) {
  const base = url.replace(/\/*(v1\/ws)?$/, "/v1/");
  const name = (key, value) => (value ? `&${key}=${encodeURIComponent(value)}` : "");
  const who = name("user", user) + name("device", device);

  return {
    after_: logs.after_,

    /** A refusal shall be a close: of any other a browser says nothing. */
    socket_: () => new WebSocket(`${base.replace(/^http/, "ws")}ws?refuse=close`, "holdfast.v1"),

    /** The first frame: who comes, and what it has. */
    connect_: () => JSON.stringify({ type: "connect", token: token.text_, user, device, after: logs.after_() }),

    /** An answer that is good; throws the problem where it is not. A token stands in no address. */
    async ask_(path, signal, body, headers = token.text_ ? { Authorization: `Bearer ${token.text_}` } : {}) {
      const answer = await fetch(base.replace(/^ws/, "http") + path + who, { method: body && "POST", headers, body, signal });
      if (!answer.ok) throw await answer.json();
      return answer;
    },
  };
}
