// <hit-grid>: the keyboard among the hits. Arrows move, Enter plays (the focused element is a
// button), F makes the hit the new query, O opens its recording. Y and N say whether it is meant,
// A adds it to the query; the grid that then comes begins where this one was left.

import { typing } from "./words.js";

const CHOICES = { y: "[data-this]", n: "[data-not]", a: "[data-also]" };
let left = null;

class HitGrid extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    if (left !== null) this.move(null, Math.min(left, this.hits.length - 1));
    left = null;
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  get hits() {
    return [...this.querySelectorAll(".hit")];
  }

  get focused() {
    return document.activeElement?.closest(".hit");
  }

  // How many hits stand in a row: those at the height of the first.
  get columns() {
    const { hits } = this;
    const top = hits[0].getBoundingClientRect().top;
    const next = hits.findIndex((hit) => hit.getBoundingClientRect().top > top + 4);
    return next === -1 ? hits.length : next;
  }

  key(event) {
    if (typing(event) || event.defaultPrevented || event.target.closest("input")) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    const { focused } = this;
    if (event.key in steps) {
      // Arrows scroll the page until a hit has the focus; the right one enters at the first.
      if (!focused && event.key !== "ArrowRight") return;
      event.preventDefault();
      this.move(focused, focused ? steps[event.key] : 0);
    } else if (focused && event.key.toLowerCase() === "f") {
      event.preventDefault();
      location.assign(focused.dataset.find);
    } else if (focused && event.key.toLowerCase() === "o") {
      event.preventDefault();
      location.assign(focused.dataset.open);
    } else if (focused && event.key.toLowerCase() in CHOICES) {
      event.preventDefault();
      left = this.hits.indexOf(focused);
      focused.querySelector(CHOICES[event.key.toLowerCase()]).click();
    }
  }

  move(focused, by) {
    const { hits } = this;
    const next = focused ? hits.indexOf(focused) + by : by;
    const hit = hits[next];
    if (!hit) return;
    hit.querySelector(".clip-button").focus();
    hit.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("hit-grid", HitGrid);
