// A run's page while it runs: steps come, change, and the head says how it stands.

import { append, fill, replace, say } from "./fragments.js";
import { follow } from "./wire.js";

export function timeline() {
  const run = document.querySelector("[data-events]");
  if (!run) return;
  const head = run.querySelector("[data-head]");
  const list = run.querySelector("[data-timeline]");
  follow(run.dataset.events, {
    step({ id, html }) {
      const known = document.getElementById(id);
      if (!known) return append(list, html);
      const open = [...known.querySelectorAll("details")].map((details) => details.open);
      const now = replace(known, html);
      [...now.querySelectorAll("details")].forEach((details, at) => (details.open = open[at] ?? false));
    },
    head({ html, said }) {
      // Nobody's half-written comment is thrown away.
      if (head.querySelector("textarea:focus")) return;
      fill(head, html);
      say(said);
    },
  });
}
