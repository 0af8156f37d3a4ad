// How far the application is in each log: the user's, whose name is "" here, and each topic's. A cursor is opaque:
// which of two is newer is known only of those that have come here.

/** Most kept messages that are remembered, so that none is heard twice: twice as many as are kept of a log. */
const MOST_REMEMBERED = 2000;
/** Most cursors that a gateway looks at. */
const MOST_GIVEN = 64;
/**
 * How long acknowledgements are gathered that nobody gives, in milliseconds. What is acknowledged is gone for all that
 * share a device, so they wait until other tabs that were cut off, too, are back.
 */
const ACK_AFTER = 10_000;

/** `sendAck` sends what says that all up to a cursor is done with. */
export function logsOf({ ack, storage }, sendAck) {
  const isManual = ack === "manual";
  // The newest cursor of what has come, and of what has been dealt with, by log.
  const had = new Map();
  const done = isManual ? new Map() : had;
  // When each cursor came.
  const order = new Map();
  let count = 0;
  let owner, timer, unsent;

  const note = (all, key, value) => {
    all.set(key, value);
    if (all.size > MOST_REMEMBERED) all.delete(all.keys().next().value);
  };

  /** What cannot be stored comes again after the page was loaded anew. */
  const stored = async (method, log, cursor) => {
    try { return await storage[method](`holdfast:${owner}:${log}`, cursor); } catch {}
  };

  /** Other tabs store theirs at the same place: none takes it back behind what another has, as far as is known here. */
  const dealtWith = async (log, cursor) => {
    note(done, log, cursor);
    const other = await stored("get", log);
    if (!other || order.has(other)) stored("set", log, cursor);
  };

  const has = (log, cursor) => {
    note(order, cursor, count++);
    note(had, log, cursor);
  };

  const begin = (log, cursor) => {
    if (!cursor) return;
    has(log, cursor);
    dealtWith(log, cursor);
  };

  const flush = () => {
    clearTimeout(timer);
    if (unsent) sendAck(unsent);
    timer = unsent = 0;
  };

  /** The application has dealt with a push, and with all before it in its log. */
  const acknowledge = ({ topic = "", cursor }) => {
    if (!cursor || order.get(cursor) < order.get(done.get(topic))) return;
    dealtWith(topic, cursor);
    if (topic) return;
    unsent = cursor;
    if (isManual) flush();
    else timer ||= setTimeout(flush, ACK_AFTER);
  };

  return {
    acknowledge_: acknowledge,

    /** Sends the acknowledgement that waits. */
    flush_: flush,

    of_: (log) => had.get(log),

    /** What to come back with. The place in the user's log acknowledges, so it is that of what has been dealt with. */
    after_: () => [...had.keys()].map((log) => (log ? had : done).get(log)).filter(Boolean).slice(0, MOST_GIVEN),

    /** Begins with what is stored of this user's logs, where nothing newer is known and no other beginning is wanted. */
    async load_(user, logs) {
      owner = user;
      for (const [log, after] of logs) if (!after && !had.has(log)) begin(log, await stored("get", log));
    },

    /** Has the application hear a frame, unless it is a push that it has had. */
    hear_(frame, tell) {
      const { type, topic = "", topics = [], cursor } = frame;
      const isPush = type === "push";
      if (isPush && order.has(cursor)) return;
      for (const one of topics) begin(one.topic, one.cursor);
      if (cursor) (isPush ? has : begin)(topic, cursor);
      tell();
      if (isPush && !isManual) acknowledge(frame);
    },
  };
}
