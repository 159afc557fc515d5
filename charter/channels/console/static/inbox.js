// How many questions wait for this person: looked up gently, and only while the page is seen.

import { say } from "./fragments.js";
import { ask } from "./wire.js";

const EVERY = 20_000;

export function inbox() {
  if (!document.querySelector("[data-inbox]")) return;
  setInterval(() => document.hidden || recount(), EVERY);
}

export async function recount() {
  const badge = document.querySelector("[data-inbox]");
  if (!badge) return;
  const { count } = await ask(badge.dataset.inbox).catch(() => ({ count: null }));
  if (count === null) return;
  const number = badge.querySelector("[data-count]");
  const before = Number(number.textContent);
  number.textContent = String(count);
  badge.hidden = count === 0;
  if (count > before) say(`${count} waiting for your decision.`);
  const news = document.querySelector("[data-inbox-news]");
  if (news && count > Number(document.querySelector("[data-inbox-list]").dataset.inboxList)) news.hidden = false;
}
