// One connection, from its opening to its end: what has to come by when, and what the server said last.

/** How long a hello may take, in milliseconds. The gateway has 10 s for a handshake of its own. */
const HELLO_WITHIN = 15_000;
/** After so long without a word the server is asked whether it is there. Pings of WebSockets browsers keep to themselves. */
const QUIET = 60_000;
/** How long its answer may take. */
const ANSWER_WITHIN = 15_000;

/** `open` opens it; `heard` gets its frames, and `ended`, once, why it has ended, with the hello if it got through. */
export function visit(open, site, heard, ended) {
  let connection, hello, timer, isOver;

  const within = (time, act) => {
    clearTimeout(timer);
    timer = setTimeout(act, time);
  };

  const say = (frame) => hello && connection.send(JSON.stringify(frame), hello.session);

  const leave = () => {
    isOver = true;
    clearTimeout(timer);
    connection?.close();
  };

  const end = (how) => {
    if (isOver) return;
    leave();
    ended(how, hello);
  };

  const giveUp = () => {
    hello = 0;
    end({});
  };

  /** Asks whether anybody is there. Before a hello that is waited for anyway. */
  const probe = () => {
    within(ANSWER_WITHIN, giveUp);
    say({ type: "ping" });
  };

  const hear = (text) => {
    if (isOver) return;
    let frame = {};
    // What is no frame is a sign of life.
    try { frame = JSON.parse(text); } catch {}
    const { type } = frame;
    if (type === "hello") hello = frame;
    if (type === "ping") say({ type: "pong" });
    if (hello) within(QUIET, probe);
    if (type) heard(frame, text);
    // It closes, which says no more.
    if (type === "bye") end(frame);
  };

  within(HELLO_WITHIN, giveUp);
  // Where there are no WebSockets, and where a page may not open one.
  try { connection = open(site, hear, end); } catch { giveUp(); }
  return { say_: say, probe_: probe, leave_: leave };
}
