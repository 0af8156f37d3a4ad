// What pusher-api is asked again and again while somebody looks.

import { headers } from "./push.js";

const EVERY = 2000;

/** The answer to a GET, or the words to show in its place. */
async function ask(path, needsKey) {
  if (needsKey && !headers().Authorization) return { words: "An API key is needed, in the form for pushes." };
  try {
    const response = await fetch(path, { headers: headers() });
    const answer = await response.json();
    if (response.ok) return { answer };
    return { words: `${response.status}: ${answer.detail}`, isRefused: [401, 403].includes(response.status) };
  } catch {
    return { words: "pusher-api does not answer." };
  }
}

/** A function that asks at once, and from then on for as long as `path` names something; `told` is given each answer. */
export function asking(needsKey, path, told) {
  let timer = null;
  // Where a key was refused, another has to be given first.
  let refused = null;
  return async function look() {
    clearTimeout(timer);
    const key = headers().Authorization;
    const wanted = path();
    if (wanted && !document.hidden && (refused === null || refused !== key)) {
      const { isRefused, ...found } = await ask(wanted, needsKey);
      refused = isRefused ? key : null;
      if (path() === wanted) told(found);
    }
    clearTimeout(timer);
    if (path()) timer = setTimeout(look, EVERY);
  };
}
