// Pushes to the user "demo" with Node's own fetch; prints the push's id.
const { HOLDFAST_API = "http://127.0.0.1:8090", HOLDFAST_KEY = "" } = process.env;
const answer = await fetch(`${HOLDFAST_API}/v1/push`, {
  method: "POST",
  headers: { authorization: `Bearer ${HOLDFAST_KEY}`, "content-type": "application/json" },
  body: JSON.stringify({ to: { user: "demo" }, data: { text: "hello from Node" } }),
});
if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
console.log((await answer.json()).id);
