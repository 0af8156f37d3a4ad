// Prints what the user "demo" is pushed, with Node's own fetch: server-sent events. It does not come back by itself.
const { HOLDFAST_CLIENTS = "http://127.0.0.1:8080", HOLDFAST_TOKEN: token } = process.env;
const connect = { type: "connect", ...(token ? { token } : { user: "demo" }) };
const headers = { "content-type": "application/json" };
const answer = await fetch(`${HOLDFAST_CLIENTS}/v1/sse`, { method: "POST", headers, body: JSON.stringify(connect) });
if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
let text = "";
for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
  const events = (text + chunk).split("\n\n");
  text = events.pop();
  const frames = events.map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "{}"));
  for (const { type, data } of frames) if (type === "push") console.log(JSON.stringify(data));
}
