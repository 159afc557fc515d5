// Open a cited passage in a sheet above the answer; without script the link leads to its page.

import { fill } from "./fragments.js";
import { ask } from "./wire.js";

export function passages() {
  const sheet = document.getElementById("sheet");
  const body = sheet.querySelector(".sheet__body");
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-passage]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const { title, html } = await ask(link.href);
      sheet.querySelector("h2").textContent = title;
      fill(body, html);
      sheet.showModal();
      body.focus();
      body.querySelector("#cited").scrollIntoView({ block: "center" });
    } catch {
      location.assign(link.href);
    }
  });
  sheet.querySelector("[data-close]").addEventListener("click", () => sheet.close());
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet) sheet.close();
  });
}
