// A thread: send without leaving the page, and show answers as they come.

import { append, fill, say } from "./fragments.js";
import { recount } from "./inbox.js";
import { ask, follow } from "./wire.js";

const NEAR_THE_END = 160;

export function thread() {
  const list = document.querySelector("[data-thread]");
  if (!list) return;
  for (const turn of list.querySelectorAll("[data-live]")) live(turn);
  const composer = document.querySelector("[data-composer]");
  if (composer) compose(composer, list);
  if (list.childElementCount && !list.querySelector("[data-opening]") && !location.hash) toTheEnd();
}

function live(turn) {
  const line = turn.querySelector("[data-line]");
  const answer = turn.querySelector("[data-answer]");
  const doing = (text) => {
    line.textContent = text ? `${text}…` : "";
  };
  follow(turn.dataset.live, {
    line({ text }) {
      if (!text) return;
      answer.querySelector("[data-stream]")?.replaceChildren();
      staying(() => doing(text));
    },
    anew({ text }) {
      answer.querySelector("[data-stream]")?.replaceChildren();
      staying(() => doing(text));
    },
    delta({ text }) {
      doing("");
      staying(() => answer.querySelector("[data-stream]")?.append(text));
    },
    turn({ html, busy, doing: now, said }) {
      staying(() => fill(answer, html));
      answer.setAttribute("aria-busy", String(busy));
      if (!busy) {
        say(said);
        recount();
      }
      doing(now);
    },
  });
}

/** Change the page; a reader at its end stays there, one who has scrolled up is left in peace. */
function staying(change) {
  const page = document.documentElement;
  const atTheEnd = page.scrollHeight - page.scrollTop - page.clientHeight < NEAR_THE_END;
  change();
  if (atTheEnd) toTheEnd();
}

function toTheEnd() {
  document.documentElement.scrollTop = document.documentElement.scrollHeight;
}

function compose(form, list) {
  const box = form.elements.input;
  const button = form.querySelector("button");
  const fault = form.querySelector("[data-fault]");

  box.addEventListener("keydown", (event) => {
    // While an input method composes a word, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (box.value.trim() && !button.disabled) form.requestSubmit();
  });
  for (const starter of list.querySelectorAll("[data-starter]")) {
    starter.addEventListener("click", (event) => {
      event.preventDefault();
      box.value = starter.textContent;
      box.focus();
    });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    fault.hidden = true;
    try {
      const sent = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      list.querySelector("[data-opening]")?.remove();
      live(append(list, sent.html));
      fill(document.querySelector("[data-recent]"), sent.recent);
      form.elements.thread.value = sent.thread;
      form.elements.key.value = sent.key;
      box.value = "";
      history.replaceState(null, "", sent.address);
      toTheEnd();
    } catch (problem) {
      fault.textContent = problem.sentence ?? "The page failed. Load it again.";
      fault.hidden = false;
    } finally {
      button.disabled = false;
      box.focus();
    }
  });
  if (matchMedia("(pointer: fine)").matches) {
    box.focus({ preventScroll: true });
    box.setSelectionRange(box.value.length, box.value.length);
  }
}
