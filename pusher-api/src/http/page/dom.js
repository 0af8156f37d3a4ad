// Elements of the page. What comes from outside becomes text here and never markup.

/** The element with this id. */
export const element = (id) => document.getElementById(id);

/** A new element; its content is texts and other elements. */
export function make(tag, options = {}, ...content) {
  const made = Object.assign(document.createElement(tag), options);
  made.append(...content);
  return made;
}

/** Shows elements or hides them. */
export function show(isShown, ...ids) {
  ids.forEach((id) => { element(id).hidden = !isShown; });
}

/** A button that does this. */
export function button(text, label, pressed) {
  const made = make("button", { type: "button", onclick: pressed }, text);
  made.setAttribute("aria-label", label);
  return made;
}
