// The level that answers now, and how far the embedded model has come.

import { say } from "./fragments.js";
import { ask } from "./wire.js";

const MOVING = 2_000;
const RESTING = 30_000;

export function level() {
  const badge = document.querySelector("[data-level]");
  if (!badge) return;
  badge.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !badge.open) return;
    badge.open = false;
    badge.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!badge.contains(event.target)) badge.open = false;
  });
  setTimeout(() => look(badge), "moving" in badge.dataset ? MOVING : RESTING);
}

async function look(badge) {
  let pause = RESTING;
  if (!document.hidden) {
    const now = await ask(badge.dataset.level).catch(() => null);
    if (now) {
      show(badge, now);
      pause = now.moving ? MOVING : RESTING;
    }
  }
  setTimeout(() => look(badge), pause);
}

function show(badge, now) {
  const label = badge.querySelector("[data-label]");
  if (label.textContent !== now.label) say(`Answers now come from: ${now.label}.`);
  label.textContent = now.label;
  badge.className = `level level--${now.level}`;
  text(badge.querySelector("[data-meaning]"), now.meaning);
  text(badge.querySelector("[data-news]"), now.news);
  text(badge.querySelector("[data-model]"), now.model);
  text(badge.querySelector("[data-percent]"), now.percent === null ? "" : `model ${now.percent} %`);
  const bar = badge.querySelector("[data-progress]");
  bar.hidden = now.percent === null;
  bar.value = now.percent ?? 0;
}

function text(element, words) {
  element.textContent = words;
  element.hidden = !words;
}
