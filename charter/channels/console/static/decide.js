// Answer a card without leaving the page; the host answers with the card as it stands then.

import { replace, say } from "./fragments.js";
import { recount } from "./inbox.js";
import { ask } from "./wire.js";

export function decisions() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-decide]");
    if (!form) return;
    event.preventDefault();
    const buttons = form.querySelectorAll("button");
    const fault = form.querySelector("[data-fault]");
    const body = new URLSearchParams(new FormData(form, event.submitter));
    buttons.forEach((button) => (button.disabled = true));
    fault.hidden = true;
    try {
      const { html, said } = await ask(form.action, { method: "POST", body });
      // In a thread the run's own events may have replaced the card by now.
      const card = form.closest("[data-card]");
      if (card.isConnected) replace(card, html).focus();
      say(said);
      recount();
    } catch (problem) {
      fault.textContent = problem.sentence ?? "The page failed. Load it again.";
      fault.hidden = false;
      buttons.forEach((button) => (button.disabled = false));
    }
  });
}
