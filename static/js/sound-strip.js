// <sound-strip>: the spectrogram under the timeline, of the seconds that its lowest lane shows or of
// the whole recording. It is drawn by the server in tiles, which the browser keeps for good.

const TILE_S = 120;
const WIDEST = 2000;
const HEIGHT = 128;
const SETTLED_MS = 120;

class SoundStrip extends HTMLElement {
  connectedCallback() {
    this.desk = this.closest("review-desk");
    this.film = this.querySelector("[data-film]");
    this.head = this.querySelector("[data-head]");
    this.button = this.querySelector("[data-whole]");
    this.duration = Number(this.desk.dataset.duration);
    this.button.hidden = this.range().to - this.range().from >= this.duration;
    this.button.addEventListener("click", () => this.turn());
    this.listen(this.querySelector("[data-track]"));
    this.moved = () => this.follow();
    this.desk.addEventListener("moved", this.moved);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this);
    this.follow();
  }

  disconnectedCallback() {
    this.desk.removeEventListener("moved", this.moved);
    this.resized.disconnect();
    clearTimeout(this.later);
  }

  range() {
    return this.all ? { from: 0, to: this.duration } : this.desk.timeline.range;
  }

  turn() {
    this.all = !this.all;
    this.button.textContent = this.all ? "Show around this second" : "Show the whole recording";
    this.follow();
  }

  listen(track) {
    const seek = (event) => {
      const box = track.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      const { from, to } = this.range();
      const second = Math.min(this.duration - 1, Math.floor(from + share * (to - from)));
      this.dispatchEvent(new CustomEvent("seek", { bubbles: true, detail: second }));
    };
    track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      track.setPointerCapture(event.pointerId);
      seek(event);
    });
    track.addEventListener("pointermove", (event) => {
      if (track.hasPointerCapture(event.pointerId)) seek(event);
    });
  }

  follow() {
    const { from, to } = this.range();
    this.head.style.left = `${(100 * (this.desk.time - from)) / (to - from)}%`;
    if (from === this.from && to === this.to) return;
    this.from = from;
    this.to = to;
    this.film.replaceChildren();
    this.drawSoon();
  }

  // While somebody drags along the recording, only where they stop is drawn, after its picture.
  drawSoon() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      if (this.desk.timeline.seeking) this.drawSoon();
      else this.draw();
    }, SETTLED_MS);
  }

  draw() {
    const { from, to } = this;
    const wide = this.film.clientWidth * devicePixelRatio;
    if (!wide) return;
    const step = this.all ? to - from : TILE_S;
    const pieces = [];
    for (let start = Math.floor(from / step) * step; start < to; start += step) {
      const end = Math.min(start + step, this.duration);
      const share = (end - start) / (to - from);
      const width = Math.min(WIDEST, Math.max(1, Math.round(share * wide)));
      pieces.push(this.piece({ start, end, width, height: HEIGHT }, share, (start - from) / (to - from)));
    }
    this.film.replaceChildren(...pieces);
  }

  piece(asked, share, left) {
    const image = document.createElement("img");
    image.alt = "";
    image.draggable = false;
    image.src = `${this.dataset.src}?${new URLSearchParams(asked)}`;
    image.style.left = `${100 * left}%`;
    image.style.width = `${100 * share}%`;
    return image;
  }
}

customElements.define("sound-strip", SoundStrip);
