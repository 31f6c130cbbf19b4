// <answer-desk>: Y and N answer the proposal that has the focus, or else the first one that is open,
// and move on to the next.

import { typing } from "./words.js";

class AnswerDesk extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.show();
    this.addEventListener("htmx:afterSwap", () => this.show());
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  get open() {
    return [...this.querySelectorAll("[data-answer]")].filter((one) => one.querySelector("[data-yes]"));
  }

  get current() {
    const focused = document.activeElement?.closest("[data-answer]");
    return this.open.includes(focused) ? focused : this.open[0];
  }

  // Which one a key answers is seen before it is pressed.
  show() {
    for (const one of this.querySelectorAll("[data-answer]")) {
      one.classList.toggle("current", one === this.current);
    }
  }

  key(event) {
    const answer = { y: "[data-yes]", n: "[data-no]" }[event.key.toLowerCase()];
    if (!answer || typing(event) || event.defaultPrevented || event.repeat) return;
    const { current } = this;
    if (!current) return;
    event.preventDefault();
    const next = this.open[this.open.indexOf(current) + 1];
    current.querySelector(answer).click();
    next?.querySelector(".clip-button").focus();
    next?.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("answer-desk", AnswerDesk);
