// Prints what the user "demo" is pushed, and comes back by itself, with holdfast.js.
import { holdfast } from "../../clients/js/holdfast.js";

const { HOLDFAST_CLIENTS = "http://127.0.0.1:8080", HOLDFAST_TOKEN: token } = process.env;
const session = holdfast(HOLDFAST_CLIENTS, { ...(token ? { token } : { user: "demo" }), device: "example" });
session.addEventListener("push", ({ detail: push }) => console.log(JSON.stringify(push.data)));
session.addEventListener("state", ({ detail }) => console.error(detail.state, detail.reason ?? ""));
session.connect();
