// What has to be possible with the types; nothing of this runs.
import { holdfast, type Push, type Session } from "../holdfast.js";

const session: Session = holdfast("https://push.example.com", {
  token: async () => (await fetch("/token")).text(),
  storage: { get: (key) => sessionStorage.getItem(key), set: (key, value) => sessionStorage.setItem(key, value) },
  ack: "manual",
  transports: ["websocket", "poll"],
});
session.addEventListener("push", ({ detail }) => { session.ack(detail); });
session.addEventListener("push", (event: CustomEvent<Push<{ text: string }>>) => event.detail.data?.text.length);
session.addEventListener("gap", ({ detail }) => detail.reason === "lost" && detail.topic?.length);
session.addEventListener("state", ({ detail: { state, pause = 0 } }) => state === "waiting" && pause.toFixed());
session.addEventListener("frame", ({ detail }) => detail.length);
session.subscribe("news", "start");
session.connect();
// @ts-expect-error: there is no such way.
holdfast("https://push.example.com", { transports: ["pigeon"] });
// @ts-expect-error: a cursor is needed, or its push.
session.ack("id");
