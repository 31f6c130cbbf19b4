// <peak-desk>: the keyboard of the desk at which unusual moments are judged. What has a data-key is
// pressed by that key; links with data-desk change the desk alone, so that the timeline stays.

import { typing } from "./words.js";

class PeakDesk extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.addEventListener("click", (event) => this.clicked(event));
    // Within its list alone: on a small screen the page would leave the timeline behind.
    const current = this.querySelector(".queue-item[aria-current]");
    const list = current?.closest(".queue-list");
    if (list) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 2;
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  clicked(event) {
    const link = event.target.closest("a[data-desk]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    PeakDesk.show(link.getAttribute("href"));
  }

  // Shows another peak or list in place of this one, and keeps it in the address.
  static show(address) {
    if (busy()) return undefined;
    history.pushState({ htmx: true }, "", address);
    return htmx.ajax("GET", address, { target: "#desk", swap: "outerHTML" });
  }

  key(event) {
    if (typing(event) || event.defaultPrevented || event.target.closest("score-line")) return;
    const key = event.key.toLowerCase();
    if (key === " " && event.target.closest("button, summary, a")) return;
    const target = this.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return;
    event.preventDefault();
    const empty = target.closest("form")?.querySelector("input[name=event]:invalid");
    if (empty) empty.focus();
    else target.click();
  }
}

customElements.define("peak-desk", PeakDesk);

// One question at a time: a key that is pressed before the next moment is there would judge it unseen.
const busy = () => document.querySelector("#desk[aria-busy]") !== null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const { target } = event.detail;
  if (target?.id !== "desk") return;
  if (busy()) event.preventDefault();
  target.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", () => {
  document.getElementById("desk")?.removeAttribute("aria-busy");
});

// A click on the timeline shows the peak there, on this desk or on the camera's own page.
document.addEventListener("choose", ({ detail: { page, at, reach } }) => {
  const query = new URLSearchParams(document.getElementById("desk") ? location.search : "");
  for (const name of ["recording", "second", "step", "show"]) query.delete(name);
  query.set("at", at);
  query.set("reach", reach);
  const address = `${page}?${query}`;
  if (document.getElementById("desk")) PeakDesk.show(address);
  else location.assign(address);
});

window.addEventListener("popstate", () => {
  if (document.getElementById("desk")) location.reload();
});

// Another score is another curve: the whole page is asked for.
document.addEventListener(
  "change",
  (event) => {
    if (!event.target.matches?.("[data-reload]")) return;
    event.stopPropagation();
    event.target.form.submit();
  },
  true,
);
