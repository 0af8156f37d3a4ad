/** What `holdfast` may be told. */
export interface Options {
  /**
   * The client's token, or a function that gets one: for each connection where the last one has expired or was refused,
   * and before one expires. Nothing instead of a token keeps the session away; an error is tried again later.
   */
  token?: string | (() => string | null | undefined | Promise<string | null | undefined>);
  /** A user's name, which stands in for a token in development. */
  user?: string;
  /** The name of the device, where the token has none. A newer session of a device replaces the older one. */
  device?: string;
  /** The ways to connect, the best one first. [default: all three] */
  transports?: Transport[];
  /**
   * `auto` acknowledges what listeners have been handed, some seconds later; `manual` what `ack` is called for.
   * [default: auto]
   */
  ack?: "auto" | "manual";
  /** Where cursors are kept over page loads. Its errors are passed over. */
  storage?: CursorStorage;
  /** WebSockets, where there are none by that name. */
  WebSocket?: unknown;
}

export type Transport = "websocket" | "sse" | "poll";

/** A place for short texts; several tabs may share one. */
export interface CursorStorage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, value: string): unknown;
}

/** How a session is doing. */
export interface State {
  state: "connecting" | "open" | "waiting" | "closed";
  transport?: Transport;
  /** Whose session it is, and its id, while it is open. */
  user?: string;
  session?: string;
  /** Why the last connection ended, where somebody said so. */
  reason?: string;
  detail?: string;
  /** When the gateway said to come back, in milliseconds; and when that will be, while it waits. */
  retry_ms?: number;
  pause?: number;
}

export interface Push<Data = any> {
  type: "push";
  id: string;
  data?: Data;
  /** In place of data: bytes, in base64. */
  data_base64?: string;
  topic?: string;
  /** Its place in its log, if it is kept. */
  cursor?: string;
}

export interface Hello {
  type: "hello";
  session: string;
  user: string;
  cursor?: string;
  /** Whether everything behind the cursor that was given will follow. */
  recovered: boolean;
  /** At most how many kept messages follow before live ones. */
  kept: number;
}

/** Messages are missing; without a topic, of those for the user. */
export interface Gap {
  type: "gap";
  reason: "lost" | "expired" | "trimmed" | "deleted" | "acknowledged" | "unknown_cursor" | "store_away";
  topic?: string;
}

export interface Topics {
  type: "subscribed" | "unsubscribed";
  topics: { topic: string; cursor?: string; recovered?: boolean; kept?: number }[];
}

/** What the events are called, and what they carry as `detail`. */
export interface Events {
  state: State;
  push: Push;
  hello: Hello;
  gap: Gap;
  recovered: { type: "recovered"; cursor: string; kept: number; topic?: string };
  subscribed: Topics;
  unsubscribed: Topics;
  refreshed: { type: "refreshed"; exp?: number };
  error: { type: "error"; code: string; detail: string };
  bye: { type: "bye"; reason: string; retry_ms?: number };
  /** Each frame as it came: numbers in it may be larger than JavaScript's. */
  frame: string;
}

export interface Session extends EventTarget {
  addEventListener<Type extends keyof Events>(
    type: Type, listener: (event: CustomEvent<Events[Type]>) => void, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions,
  ): void;
  /** How it is doing. */
  readonly state: State;
  /** Connects; at once, where it waits to come back. */
  connect(): void;
  /** Leaves, and stays away until `connect`. */
  close(): void;
  /**
   * Subscribes, in this session and those that follow. What is kept comes first from the newest cursor that is known,
   * or else from `after`, a cursor or `start`.
   * @throws RangeError where there would be more than 100.
   */
  subscribe(topic: string, after?: string): void;
  unsubscribe(topic: string): void;
  /** Says that a push has been dealt with, and all before it in its log. */
  ack(push: Pick<Push, "topic" | "cursor">): void;
}

/** A session with the gateway at an absolute URL (`https://…`, or `wss://…/v1/ws`); `connect` opens it. */
export function holdfast(url: string, options?: Options): Session;
