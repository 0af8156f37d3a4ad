// What arrives, the newest on top.

import { element, make, show } from "./dom.js";
import { latency } from "./push.js";

/** Frames that are kept on the page; more would make it slow. */
const MOST_FRAMES = 200;
const LONGEST_ID = 64;

let count = 0;
let waiting = [];

/** The data as it was pushed, cut out of its frame: read and written again, large numbers would be others. */
function dataOf(text, { id, data, data_base64: base64, topic, cursor }) {
  if (base64 !== undefined) return `${base64} (base64)`;
  const head = `{"type":"push","id":"${id}","data":`;
  const ofTopic = topic === undefined ? "" : `,"topic":${JSON.stringify(topic)}`;
  const tail = `${ofTopic}${cursor === undefined ? "" : `,"cursor":${JSON.stringify(cursor)}`}}`;
  const isFramed = text.startsWith(head) && text.endsWith(tail);
  return isFramed ? text.slice(head.length, -tail.length) : JSON.stringify(data);
}

function row({ text, frame, time, took }) {
  const content = frame.type === "push" ? dataOf(text, frame) : text;
  const what = make("p", {}, make("time", {}, time), make("span", { className: "kind" }, String(frame.type)));
  if (took) what.append(make("span", { className: "latency" }, took));
  if (frame.type === "push" && frame.cursor) what.append(make("span", {}, "kept"));
  if (frame.topic) what.append(make("span", {}, `topic ${frame.topic}`));
  if (frame.id) what.append(make("span", { className: "id" }, String(frame.id).slice(0, LONGEST_ID)));
  const made = make("li", { className: "frame" }, make("pre", {}, content), what);
  made.dataset.kind = frame.type;
  return made;
}

/** Once for each picture, however many have come: so a flood costs no more than the eye can see. */
function draw() {
  const frames = element("frames");
  frames.prepend(...waiting.reverse().map(row));
  waiting = [];
  while (frames.children.length > MOST_FRAMES) frames.lastChild.remove();
  frames.scrollTop = 0;
  tell();
}

function tell() {
  element("count").textContent = count > MOST_FRAMES ? `${count.toLocaleString()}, the newest ${MOST_FRAMES} shown` : count || "";
  show(count === 0, "nothing");
}

/** A frame has come. */
export function arrived(text, frame) {
  count += 1;
  if (waiting.length === 0) requestAnimationFrame(draw);
  const took = frame.type === "push" ? latency(frame) : "";
  waiting.push({ text, frame, took, time: new Date().toLocaleTimeString() });
  if (waiting.length > MOST_FRAMES) waiting.shift();
}

/** Makes the button work. */
export function begin() {
  element("clear").onclick = () => {
    count = 0;
    waiting = [];
    element("frames").replaceChildren();
    tell();
  };
}
