// Talk to the host: requests that say who asks, and runs that are followed while the page is seen.

import { say } from "./fragments.js";

export class Fault extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.action = problem.action || "";
    this.status = problem.status;
  }

  get sentence() {
    return `${this.message} ${this.action}`.trim();
  }
}

const UNREACHABLE = { title: "The host does not answer.", action: "Check the connection and try again.", status: 0 };

/** Ask the host and return the JSON of its answer; a refusal is a Fault with what to do. */
export async function ask(address, { method = "GET", body } = {}) {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const headers = { Accept: "application/json", "X-Charter-Console": "1", "X-CSRF-Token": token };
  let response;
  try {
    response = await fetch(address, { method, body, headers, credentials: "same-origin" });
  } catch {
    throw new Fault(UNREACHABLE);
  }
  if (response.status === 401) offerSignIn();
  if (!response.ok) throw new Fault(await problemOf(response));
  return response.json();
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { title: `The host answered ${response.status}.`, action: "Try again.", status: response.status };
  }
}

function offerSignIn() {
  if (document.getElementById("signed-out")) return;
  const link = document.createElement("a");
  const back = encodeURIComponent(location.pathname + location.search);
  link.href = `${document.body.dataset.signIn}?ended=1&back=${back}`;
  link.textContent = "Sign in again";
  const notice = document.createElement("p");
  notice.id = "signed-out";
  notice.className = "signed-out";
  notice.append("Your sign-in has ended. ", link);
  document.body.prepend(notice);
  say(notice.textContent);
}

/**
 * Follow a run. `hear` maps event names to functions of their data. The stream rests while the page is hidden
 * (a browser allows one host only six connections), goes on where it was, and ends with the run.
 */
export function follow(address, hear) {
  let source = null;
  let last = null;
  let ended = false;

  function open() {
    if (source || ended || document.hidden) return;
    const from = new URL(address, location.href);
    if (last !== null) from.searchParams.set("last_event_id", last);
    source = new EventSource(from);
    for (const name of Object.keys(hear)) source.addEventListener(name, (event) => heard(name, event));
    source.addEventListener("done", end);
    source.onerror = lost;
  }

  function heard(name, event) {
    if (event.lastEventId) last = event.lastEventId;
    hear[name](JSON.parse(event.data));
  }

  function rest() {
    source?.close();
    source = null;
  }

  function end() {
    ended = true;
    rest();
    document.removeEventListener("visibilitychange", turnOver);
  }

  function lost() {
    // The browser comes back by itself after a cut; it gives up after a refusal, and then the inbox tells why.
    if (source?.readyState !== EventSource.CLOSED) return;
    rest();
    ask(document.querySelector("[data-inbox]").dataset.inbox).then(() => setTimeout(open, 5000), () => {});
  }

  function turnOver() {
    document.hidden ? rest() : open();
  }

  document.addEventListener("visibilitychange", turnOver);
  open();
}
