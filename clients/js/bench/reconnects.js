// Holds sessions, and writes a line for each that comes back: when it heard its `bye`, when it was told to come back,
// when it began to, and when it had its next hello, all in milliseconds of one clock.
//
//     node --experimental-websocket clients/js/bench/reconnects.js URL SESSIONS

import { holdfast } from "../holdfast.js";

const [, , url, sessions] = process.argv;
let there = 0;

function open(number) {
  let began, bye, retry_ms;
  // When the client begins is when it makes a socket.
  class Socket extends WebSocket {
    constructor(...given) {
      began = performance.now();
      super(...given);
    }
  }
  const session = holdfast(url, { user: `u${number}`, transports: ["websocket"], WebSocket: Socket });
  session.addEventListener("bye", ({ detail }) => {
    bye = performance.now();
    ({ retry_ms } = detail);
    there -= 1;
  });
  session.addEventListener("hello", () => {
    if (bye) console.log(JSON.stringify({ bye, retry_ms, began, hello: performance.now() }));
    there += 1;
    if (there === Number(sessions)) console.log("all");
  });
  session.connect();
}

for (let number = 0; number < Number(sessions); number += 1) open(number);
