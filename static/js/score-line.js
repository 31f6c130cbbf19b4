// <score-line>: how unusual each second of a camera is, from days down to single seconds. The server
// is asked for what is in view, at the resolution of the screen; until it answers, what is there
// already is stretched. Wheel, pinch and + - zoom, a drag pans, arrows move the cursor, and the
// threshold follows the slider of the form named by data-tuning.

import { draw, MARGINS } from "./score-canvas.js";
import { CameraClock, thumbnail } from "./words.js";

const DAY_S = 86400;
const LEAST_S = 20;
const WAIT_MS = 70;
const NEAR_PX = 9;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class ScoreLine extends HTMLElement {
  connectedCallback() {
    this.data = JSON.parse(this.dataset.timeline);
    if (!this.data.recordings.length) {
      this.hidden = true;
      return;
    }
    this.clock = new CameraClock("1970-01-01T00:00:00Z", this.data.zone);
    this.first = Math.min(...this.data.recordings.map((each) => each.start));
    this.last = Math.max(...this.data.recordings.map((each) => each.end));
    this.pieces = [];
    this.pointers = new Map();
    this.build();
    this.readTuning();
    this.readDesk();
    const from = Math.max(this.first, this.last - DAY_S);
    this.look(this.at !== undefined && this.at < from ? this.first : from, this.last);
    this.listen();
  }

  disconnectedCallback() {
    this.resized?.disconnect();
    this.themed?.disconnect();
    document.body.removeEventListener("htmx:afterSettle", this.onSettle);
  }

  build() {
    this.replaceChildren();
    this.canvas = this.add("canvas", "score-canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "slider");
    this.canvas.setAttribute("aria-label", this.getAttribute("aria-label"));
    this.canvas.setAttribute("aria-valuemin", this.first);
    this.canvas.setAttribute("aria-valuenow", this.first);
    this.canvas.setAttribute("aria-valuemax", this.last - 1);
    this.tip = this.add("div", "score-tip");
    this.tip.hidden = true;
    this.image = this.add("img", "", this.tip);
    this.image.alt = "";
    this.says = this.add("p", "", this.tip);
    const tools = this.add("p", "score-tools");
    for (const [label, name, act] of [
      ["−", "Zoom out", () => this.zoom(2)],
      ["+", "Zoom in", () => this.zoom(0.5)],
      ["Day", "Show the last day", () => this.look(this.last - DAY_S, this.last)],
      ["All", "Show all footage", () => this.look(this.first, this.last)],
    ]) {
      const button = this.add("button", "button small", tools);
      button.type = "button";
      button.textContent = label;
      button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
    }
    this.range = this.add("span", "timecode muted", tools);
    this.opens = this.add("a", "", tools);
    this.opens.textContent = "Open here";
    this.opens.hidden = true;
  }

  add(tag, name, parent = this) {
    const element = document.createElement(tag);
    element.className = name;
    parent.append(element);
    return element;
  }

  // The form's slider: the line moves and the peaks are counted while it is dragged.
  readTuning() {
    this.form = document.getElementById(this.dataset.tuning);
    const slider = this.form?.elements.sigma;
    const tell = () => {
      this.sigma = slider ? Number(slider.value) : 3;
      const index = slider ? Math.round((this.sigma - slider.min) / slider.step) : 0;
      if (slider) {
        const peaks = this.data.counts[index];
        this.form.querySelector("[data-sigma]").textContent = `${this.sigma.toFixed(1)} σ`;
        this.form.querySelector("[data-count]").textContent = `${peaks.toLocaleString("en")} ${peaks === 1 ? "peak" : "peaks"}`;
      }
      this.paint();
    };
    slider?.addEventListener("input", tell);
    tell();
  }

  get threshold() {
    return this.data.mean + this.sigma * this.data.std;
  }

  // What was judged, and the peak that is looked at; renewed with the desk.
  readDesk() {
    const desk = document.getElementById("desk")?.dataset;
    this.marks = JSON.parse(desk?.marks ?? "[]");
    const before = this.at;
    this.at = desk?.at === undefined ? undefined : Number(desk.at);
    if (this.at !== undefined && this.at !== before && this.since !== undefined) this.reveal(this.at);
    this.paint();
  }

  reveal(at) {
    if (at >= this.since && at <= this.until) return;
    const half = (this.until - this.since) / 2;
    this.look(at - half, at + half);
  }

  get width() {
    return Math.max(100, this.canvas.clientWidth - MARGINS.left - MARGINS.right);
  }

  x(at) {
    return MARGINS.left + ((at - this.since) / (this.until - this.since)) * this.width;
  }

  atX(x) {
    const share = clamp((x - MARGINS.left) / this.width, 0, 1);
    return this.since + share * (this.until - this.since);
  }

  look(since, until) {
    const whole = Math.max(LEAST_S, this.last - this.first);
    const length = clamp(until - since, LEAST_S, whole);
    const middle = (since + until) / 2;
    this.since = clamp(middle - length / 2, this.first, Math.max(this.first, this.last - length));
    this.until = this.since + length;
    this.paint();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.fetch(), WAIT_MS);
  }

  zoom(factor, around = this.cursor ?? (this.since + this.until) / 2) {
    const share = (around - this.since) / (this.until - this.since);
    const length = clamp((this.until - this.since) * factor, LEAST_S, Math.max(LEAST_S, this.last - this.first));
    this.look(around - share * length, around - share * length + length);
  }

  pan(seconds) {
    this.look(this.since + seconds, this.until + seconds);
  }

  // The view and half of it on either side, in bins of about a pixel of the screen.
  async fetch() {
    const length = this.until - this.since;
    const wanted = Math.max(1, length / (this.width * Math.min(2, devicePixelRatio)));
    if (this.pieces.some((p) => p.step < 2 * wanted && p.since <= this.since && p.until >= this.until)) return;
    const since = Math.floor(Math.max(this.first, this.since - length / 2));
    const until = Math.ceil(Math.min(this.last, this.until + length / 2)) + 1;
    const bins = clamp(Math.ceil((until - since) / wanted), 2, 12000);
    const query = new URLSearchParams({ since, until, bins, score: this.data.score });
    this.abort?.abort();
    this.abort = new AbortController();
    try {
      const answer = await fetch(`${this.data.curve}?${query}`, { signal: this.abort.signal });
      if (!answer.ok) throw new Error(answer.statusText);
      const piece = await answer.json();
      piece.until = piece.since + piece.step * piece.scores.length;
      // The coarsest, of everything, stays; of finer ones the last few.
      this.pieces = [...this.pieces.slice(0, 1), ...this.pieces.slice(1).slice(-5), piece];
      this.failed = false;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.failed = true;
    }
    this.paint();
  }

  // The finest piece that covers the view, or the first.
  get piece() {
    const covers = this.pieces.filter((p) => p.since <= this.since + 1 && p.until >= this.until - 1);
    return (covers.length ? covers : this.pieces).reduce((best, p) => (!best || p.step < best.step ? p : best), undefined);
  }

  paint() {
    if (this.since === undefined || this.painting) return;
    this.painting = requestAnimationFrame(() => {
      this.painting = undefined;
      if (!this.isConnected) return;
      draw(this);
      const long = this.until - this.since;
      const day = this.clock.day(this.since);
      const later = this.clock.day(this.until);
      this.range.textContent = this.failed
        ? "The curve could not be read; move a little to try again."
        : `${day} ${this.clock.time(this.since)} – ${later === day ? "" : `${later} `}${this.clock.time(this.until)}`;
      this.canvas.dataset.seconds = Math.round(long);
    });
  }

  // From the quietest to the loudest of all, in dB: the first piece is the coarsest.
  get loudness() {
    const known = this.pieces[0].levels.filter((level) => level != null);
    return [Math.min(...known), Math.max(...known)];
  }

  recordingAt(at) {
    return this.data.recordings.find((each) => each.start <= at && at < each.end);
  }

  // The highest value of what is drawn at a moment, over the bin that holds it.
  scoreAt(at) {
    const { piece } = this;
    return piece?.scores[Math.floor((at - piece.since) / piece.step)];
  }

  point(at) {
    this.cursor = clamp(at, this.first, this.last - 1);
    const second = Math.floor(this.cursor);
    const recording = this.recordingAt(second);
    const score = this.scoreAt(this.cursor);
    const sigmas = score == null ? "no score" : `${((score - this.data.mean) / this.data.std).toFixed(1)} σ`;
    const text = `${this.clock.time(second)} · ${recording ? sigmas : "no recording"}`;
    this.says.textContent = text;
    this.canvas.setAttribute("aria-valuenow", second);
    this.canvas.setAttribute("aria-valuetext", text);
    this.image.hidden = !recording?.picture;
    clearTimeout(this.picture);
    if (recording?.picture) {
      this.picture = setTimeout(() => {
        this.image.classList.remove("missing");
        this.image.src = thumbnail(recording.picture, second - recording.start);
      }, 60);
    }
    this.tip.hidden = false;
    const left = clamp(this.x(this.cursor) - 84, 0, this.canvas.clientWidth - 168);
    this.tip.style.left = `${left}px`;
    this.opens.hidden = !recording;
    if (recording) this.opens.href = `${recording.page}?t=${second - recording.start}`;
    this.paint();
  }

  leave() {
    this.tip.hidden = true;
    this.cursor = undefined;
    this.paint();
  }

  // A click where something is above the threshold goes to that peak; elsewhere it sets the cursor.
  choose(x) {
    const at = this.atX(x);
    this.point(at);
    const reach = Math.ceil((NEAR_PX / this.width) * (this.until - this.since));
    const { piece } = this;
    if (!piece) return;
    const bin = (moment) => Math.max(0, Math.floor((moment - piece.since) / piece.step));
    const near = piece.scores.slice(bin(at - reach), bin(at + reach) + 1);
    if (!near.some((score) => score > this.threshold)) return;
    const detail = { page: this.data.page, at: Math.round(at), reach: reach + piece.step };
    this.dispatchEvent(new CustomEvent("choose", { bubbles: true, detail }));
  }

  listen() {
    const { canvas } = this;
    this.onSettle = () => this.readDesk();
    document.body.addEventListener("htmx:afterSettle", this.onSettle);
    this.resized = new ResizeObserver(() => this.look(this.since, this.until));
    this.resized.observe(canvas);
    this.themed = new MutationObserver(() => this.paint());
    this.themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => {
      if (!this.pointers.size && document.activeElement !== canvas) this.leave();
    });
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.point(this.at ?? (this.since + this.until) / 2);
    });
    canvas.addEventListener("blur", () => this.leave());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  wheel(event) {
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.pan((event.deltaX / this.width) * (this.until - this.since));
    } else {
      this.zoom(1.0018 ** event.deltaY, this.atX(event.clientX - box.left));
    }
  }

  down(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event.clientX);
    this.moved = 0;
  }

  move(event) {
    const box = this.canvas.getBoundingClientRect();
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) {
      this.point(this.atX(event.clientX - box.left));
      return;
    }
    const spread = this.spread();
    this.pointers.set(event.pointerId, event.clientX);
    this.moved += Math.abs(event.clientX - before);
    if (this.pointers.size === 2 && spread) {
      const middle = [...this.pointers.values()].reduce((a, b) => a + b) / 2 - box.left;
      this.zoom(spread / Math.max(8, this.spread()), this.atX(middle));
    } else if (this.pointers.size === 1) {
      this.pan(((before - event.clientX) / this.width) * (this.until - this.since));
    }
  }

  spread() {
    const [one, other] = [...this.pointers.values()];
    return other === undefined ? 0 : Math.max(8, Math.abs(one - other));
  }

  up(event) {
    const alone = this.pointers.size === 1 && this.pointers.has(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (alone && this.moved < 4 && event.type === "pointerup") {
      this.choose(event.clientX - this.canvas.getBoundingClientRect().left);
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const length = this.until - this.since;
    const step = Math.max(1, Math.round(length / this.width)) * (event.shiftKey ? 10 : 1);
    const go = (seconds) => {
      this.point((this.cursor ?? this.at ?? this.since) + seconds);
      if (this.cursor < this.since || this.cursor > this.until) this.pan(Math.sign(seconds) * length * 0.5);
    };
    const actions = {
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      ArrowLeft: () => go(-step),
      ArrowRight: () => go(step),
      ArrowUp: () => this.zoom(0.5),
      ArrowDown: () => this.zoom(2),
      PageUp: () => this.pan(-length * 0.8),
      PageDown: () => this.pan(length * 0.8),
      Home: () => this.look(this.first, this.last),
      Enter: () => this.choose(this.x(this.cursor ?? this.at ?? this.since)),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

customElements.define("score-line", ScoreLine);
