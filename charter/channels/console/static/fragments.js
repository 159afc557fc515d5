// The only place where text becomes markup: pieces that this host has rendered and escaped.

import { localise } from "./clock.js";

const policy = globalThis.trustedTypes
  ? globalThis.trustedTypes.createPolicy("charter", { createHTML: (html) => html })
  : { createHTML: (html) => html };

function piece(html) {
  const holder = document.createElement("template");
  holder.innerHTML = policy.createHTML(html);
  localise(holder.content);
  return holder.content;
}

/** Put a rendered piece into an element, in place of what it holds. */
export function fill(element, html) {
  element.replaceChildren(piece(html));
}

/** Append a rendered piece and return its first element. */
export function append(element, html) {
  const content = piece(html);
  const first = content.firstElementChild;
  element.append(content);
  return first;
}

/** Put a rendered piece in an element's own place and return what stands there now. */
export function replace(element, html) {
  const content = piece(html);
  const first = content.firstElementChild;
  element.replaceWith(content);
  return first;
}

/** Say something to a screen reader, politely. */
export function say(text) {
  const place = document.getElementById("said");
  if (place && text) place.textContent = text;
}
