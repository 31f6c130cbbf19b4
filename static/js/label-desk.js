// <label-desk>: E where an event starts and E again where it ends makes a label; a button does the
// same for thumbs. A click on the strip seeks.

import { offset, typing } from "./words.js";

class LabelDesk extends HTMLElement {
  connectedCallback() {
    this.desk = this.closest("review-desk");
    this.form = this.querySelector(".label-bar");
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.addEventListener("click", (event) => this.clicked(event));
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  key(event) {
    if (typing(event) || event.defaultPrevented) return;
    if (event.key.toLowerCase() === "e") {
      event.preventDefault();
      this.mark();
    } else if (event.key === "Escape") {
      this.cancel();
    }
  }

  clicked(event) {
    if (event.target.closest("[data-mark]")) this.mark();
    if (event.target.closest("[data-mark-cancel]")) this.cancel();
    const strip = event.target.closest("[data-strip]");
    if (!strip) return;
    const box = strip.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    this.desk.seek(Math.floor(share * Number(strip.dataset.strip)));
  }

  mark() {
    const { second } = this.desk;
    if (this.start === undefined) {
      this.start = second;
      this.show(`It started at ${offset(second)}. Press again where it ends.`);
      return;
    }
    const { start, end } = this.form.elements;
    start.value = Math.min(this.start, second);
    end.value = Math.max(this.start, second) + 1;
    this.form.requestSubmit();
  }

  cancel() {
    if (this.start === undefined) return;
    this.start = undefined;
    this.show("Press E, or the button, where the event starts, and again where it ends.");
  }

  show(hint) {
    const marking = this.start !== undefined;
    this.querySelector("[data-mark-says]").textContent = marking ? "It ends here" : "It starts here";
    this.querySelector("[data-mark]").classList.toggle("primary", marking);
    this.querySelector("[data-mark-cancel]").hidden = !marking;
    this.querySelector("[data-mark-hint]").textContent = hint;
  }
}

customElements.define("label-desk", LabelDesk);
