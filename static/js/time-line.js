// <time-line>: the whole recording above, the two minutes around the current second below.
// Asks its <review-desk> to seek, and is told the current second.

import { CameraClock, offset, thumbnail } from "./words.js";

const DETAIL_S = 120;
const SETTLED_MS = 120;
const NICE = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];

const make = (name, className, parent) => {
  const element = document.createElement(name);
  element.className = className;
  parent?.append(element);
  return element;
};

const nice = (seconds) => NICE.find((each) => each >= seconds) ?? NICE.at(-1);

class Lane {
  constructor(owner, title, className) {
    this.owner = owner;
    this.root = make("div", `lane ${className}`, owner);
    const head = make("div", "lane-title", this.root);
    make("span", "", head).textContent = title;
    this.says = make("span", "timecode", head);
    this.track = make("div", "lane-track", this.root);
    this.film = make("div", `lane-film${owner.pictures ? "" : " sound"}`, this.track);
    this.spans = make("div", "lane-spans", this.track);
    this.loop = make("div", "lane-loop", this.track);
    this.ticks = make("div", "lane-ticks", this.root);
    this.ticks.setAttribute("aria-hidden", "true");
    this.head = make("div", "lane-head", this.track);
    this.listen();
  }

  // The seconds shown: from (included) to (not included).
  show(from, to) {
    if (this.from === from && this.to === to) return;
    this.from = from;
    this.to = to;
    this.film.replaceChildren();
    this.filmSoon();
    this.drawSpans();
    this.drawTicks();
    this.drawLoop();
  }

  x(second) {
    return `${(100 * (second - this.from)) / (this.to - this.from)}%`;
  }

  secondAt(event) {
    const box = this.track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const second = Math.floor(this.from + share * (this.to - this.from));
    return Math.min(this.owner.duration - 1, second);
  }

  // Browsers open six connections to a server: a seek's own bytes come before these pictures.
  filmSoon() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      if (this.owner.seeking) this.filmSoon();
      else this.drawFilm();
    }, SETTLED_MS);
  }

  drawFilm() {
    this.film.replaceChildren();
    if (!this.owner.pictures) return;
    const length = this.to - this.from;
    const wanted = Math.max(3, Math.round(this.track.clientWidth / 104));
    const step = Math.max(1, Math.ceil(length / wanted));
    for (let at = Math.floor(this.from / step) * step; at < this.to; at += step) {
      const shown = Math.min(this.owner.duration - 1, Math.max(0, at + Math.floor(step / 2)));
      if (!this.owner.hasPicture(shown)) continue;
      const image = make("img", "", this.film);
      image.alt = "";
      image.style.left = this.x(at);
      image.style.width = `${(100 * step) / length}%`;
      image.src = thumbnail(this.owner.thumbnails, shown);
    }
  }

  drawSpans() {
    this.spans.replaceChildren();
    for (const span of this.owner.spans) {
      if (span.end <= this.from || span.start >= this.to) continue;
      const start = Math.max(span.start, this.from);
      const piece = make("div", `span ${span.state}`, this.spans);
      piece.style.left = this.x(start);
      piece.style.width = `${(100 * (Math.min(span.end, this.to) - start)) / (this.to - this.from)}%`;
    }
  }

  drawTicks() {
    this.ticks.replaceChildren();
    const length = this.to - this.from;
    const step = nice(length / Math.max(2, this.track.clientWidth / 130));
    for (let at = Math.ceil(this.from / step) * step; at < this.to; at += step) {
      const share = (at - this.from) / length;
      const end = share < 0.03 ? " first" : share > 0.96 ? " last" : "";
      const tick = make("span", `timecode${end}`, this.ticks);
      tick.style.left = this.x(at);
      tick.textContent = offset(at);
    }
  }

  // A mark alone is a line; two are the stretch between them.
  drawLoop() {
    const { from, to } = this.owner.loop;
    const start = Math.max(this.from, from ?? to ?? this.from);
    const end = Math.min(this.to, to ?? from ?? this.to);
    this.loop.hidden = (from ?? to) === undefined || start > this.to || end < this.from;
    this.loop.style.left = this.x(start);
    this.loop.style.width = `${(100 * (end - start)) / (this.to - this.from)}%`;
  }

  mark(time) {
    this.head.hidden = time < this.from || time > this.to;
    this.head.style.left = this.x(time);
  }

  listen() {
    this.track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.track.setPointerCapture(event.pointerId);
      this.owner.seek(this.secondAt(event));
    });
    this.track.addEventListener("pointermove", (event) => {
      if (this.track.hasPointerCapture(event.pointerId)) this.owner.seek(this.secondAt(event));
      if (event.pointerType === "mouse") this.hover(event);
    });
    this.track.addEventListener("pointerleave", () => this.leave());
  }

  hover(event) {
    this.tip ??= this.makeTip();
    const second = this.secondAt(event);
    const box = this.track.getBoundingClientRect();
    const x = Math.min(box.width, Math.max(0, event.clientX - box.left));
    this.line.style.left = `${x}px`;
    this.tip.root.style.left = `${Math.min(box.width - 168, Math.max(0, x - 84))}px`;
    if (this.tip.second === second) return;
    this.tip.second = second;
    this.tip.time.textContent = offset(second);
    this.tip.clock.textContent = this.owner.clock.time(second);
    if (!this.tip.image) return;
    this.tip.image.hidden = !this.owner.hasPicture(second);
    if (!this.tip.image.hidden) {
      this.tip.image.classList.remove("missing");
      this.tip.image.src = thumbnail(this.owner.thumbnails, second);
    }
  }

  makeTip() {
    this.line = make("div", "lane-hover", this.track);
    const root = make("div", "lane-tip", this.track);
    const image = this.owner.pictures ? make("img", "", root) : null;
    if (image) image.alt = "";
    const text = make("p", "", root);
    return { root, image, time: make("span", "timecode", text), clock: make("span", "timecode muted", text) };
  }

  leave() {
    this.tip?.root.remove();
    this.line?.remove();
    this.tip = undefined;
  }
}

class TimeLine extends HTMLElement {
  loop = {};

  // The seconds shown in the lowest lane: from (included) to (not included).
  get range() {
    const { from, to } = this.detail ?? this.whole;
    return { from, to };
  }

  get seeking() {
    return this.closest("review-desk")?.video?.seeking ?? false;
  }

  connectedCallback() {
    const desk = this.closest("review-desk").dataset;
    this.duration = Number(desk.duration);
    if (!this.duration) {
      this.hidden = true;
      return;
    }
    this.thumbnails = desk.thumbnails;
    this.pictures = Boolean(desk.video);
    this.clock = new CameraClock(desk.start, desk.zone);
    this.second = Number(desk.second);
    this.readSpans();
    this.build();
    this.lay();
    let width = this.clientWidth;
    this.resized = new ResizeObserver(() => {
      if (this.clientWidth === width) return;
      width = this.clientWidth;
      this.lay();
    });
    this.resized.observe(this);
  }

  disconnectedCallback() {
    this.resized?.disconnect();
  }

  build() {
    this.whole = new Lane(this, "The whole recording", "lane-whole");
    const track = this.whole.track;
    track.tabIndex = 0;
    track.setAttribute("role", "slider");
    track.setAttribute("aria-label", "Current second");
    track.setAttribute("aria-valuemin", "0");
    track.setAttribute("aria-valuemax", String(this.duration - 1));
    if (this.duration > DETAIL_S * 1.5) {
      this.window = make("div", "lane-window", track);
      this.detail = new Lane(this, "Around this second", "lane-detail");
    }
    this.key = make("ul", "timeline-key", this);
    this.drawKey();
  }

  lay() {
    for (const lane of [this.whole, this.detail]) if (lane) lane.from = undefined;
    this.whole.show(0, this.duration);
    this.showSecond(this.second, this.second);
  }

  // What of the recording is searchable, pending, failed or missing; renewed while it comes in.
  readSpans() {
    this.spans = JSON.parse(document.getElementById("progress").dataset.spans);
  }

  refresh() {
    const before = JSON.stringify(this.spans);
    this.readSpans();
    if (!this.whole || JSON.stringify(this.spans) === before) return;
    for (const lane of [this.whole, this.detail]) {
      lane?.drawFilm();
      lane?.drawSpans();
    }
    this.drawKey();
  }

  // Seconds whose chunk has not been decoded have no thumbnail to ask for.
  hasPicture(second) {
    const blank = (span) => span.state === "pending" || span.state === "failed";
    const here = (span) => span.start <= second && second < span.end;
    return this.pictures && !this.spans.some((span) => blank(span) && here(span));
  }

  drawKey() {
    const words = {
      searchable: "searchable",
      pending: "not searchable yet",
      failed: "could not be read",
      gap: "missing in the file",
    };
    this.key.replaceChildren();
    const present = new Set(this.spans.map((span) => span.state));
    for (const [state, label] of Object.entries(words)) {
      if (!present.has(state)) continue;
      const item = make("li", "", this.key);
      make("span", `span ${state}`, make("i", "", item));
      item.append(label);
    }
  }

  showSecond(second, time) {
    this.second = second;
    this.whole.mark(time);
    const track = this.whole.track;
    track.setAttribute("aria-valuenow", String(second));
    track.setAttribute("aria-valuetext", `${offset(second)}, ${this.clock.time(second)}`);
    this.whole.says.textContent = offset(this.duration);
    if (!this.detail) return;
    const margin = DETAIL_S / 10;
    const { from, to } = this.detail;
    const outside = from === undefined || second < from + margin || second > to - margin;
    if (outside) {
      const start = Math.min(this.duration - DETAIL_S, Math.max(0, second - DETAIL_S / 2));
      this.detail.show(Math.floor(start), Math.floor(start) + DETAIL_S);
      this.window.style.left = this.whole.x(start);
      this.window.style.width = `${(100 * DETAIL_S) / this.duration}%`;
    }
    this.detail.mark(time);
    this.detail.says.textContent = `${offset(second)} · ${this.clock.time(second)}`;
  }

  showLoop(loop) {
    this.loop = loop;
    for (const lane of [this.whole, this.detail]) lane?.drawLoop();
  }

  seek(second) {
    this.dispatchEvent(new CustomEvent("seek", { bubbles: true, detail: second }));
  }
}

customElements.define("time-line", TimeLine);
