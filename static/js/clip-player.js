// <clip-player>: a clip and two seconds on either side, looped in place of its thumbnail; with
// data-start, data-end and data-around a longer run and more around it. Starts on hover, tap or
// Enter, or by itself: silently, or with data-loud as other clips sound. Where there is no playable
// copy its thumbnails take turns.

import { onMuted, play } from "./sound.js";
import { calm, thumbnail } from "./words.js";

const AROUND_S = 2;
const HOVER_MS = 180;

let current;

class ClipPlayer extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.second = Number(this.dataset.second);
    const { start = this.second, end = this.second + 1, around = AROUND_S } = this.dataset;
    this.from = Math.max(0, Number(start) - Number(around));
    this.to = Math.min(Number(this.dataset.duration), Number(end) + Number(around));
    this.button.addEventListener("click", () => this.toggle());
    this.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "mouse" || this.dataset.autoplay !== undefined) return;
      this.waiting = setTimeout(() => this.start({ pinned: false }), HOVER_MS);
    });
    this.addEventListener("pointerleave", () => {
      clearTimeout(this.waiting);
      if (this.playing && !this.pinned) this.stop();
    });
    const silent = this.dataset.loud === undefined;
    if (this.dataset.autoplay !== undefined && !calm()) this.start({ pinned: false, silent });
  }

  disconnectedCallback() {
    this.stop();
  }

  toggle() {
    clearTimeout(this.waiting);
    // A click on a clip that hovering has started keeps it playing.
    if (this.playing && (this.pinned || this.dataset.autoplay !== undefined)) this.stop();
    else if (this.playing) this.pinned = true;
    else this.start({ pinned: true });
  }

  start({ pinned, silent = false }) {
    if (!silent) {
      if (current && current !== this) current.stop();
      current = this;
    }
    this.pinned = pinned;
    this.playing = true;
    this.classList.add("playing");
    this.button.setAttribute("aria-label", `Stop ${this.button.dataset.name}`);
    this.bar = document.createElement("span");
    this.bar.className = "clip-now";
    this.mark = document.createElement("i");
    this.bar.append(this.mark);
    this.append(this.bar);
    if (this.dataset.src) this.startVideo(silent);
    else if (this.dataset.video) this.startPictures();
  }

  startVideo(silent) {
    const video = document.createElement("video");
    video.playsInline = true;
    video.tabIndex = -1;
    video.setAttribute("aria-hidden", "true");
    video.src = `${this.dataset.src}#t=${this.from},${this.to}`;
    video.addEventListener("timeupdate", () => this.loop());
    video.addEventListener("ended", () => this.loop(true));
    // The browser pauses at the end of the fragment; pausing is never the user's here.
    video.addEventListener("pause", () => this.loop());
    this.video = video;
    if (this.dataset.video) this.button.append(video);
    if (silent) {
      video.muted = true;
      video.play().catch(() => {});
    } else {
      play(video);
    }
    this.forgetSound = onMuted((value) => {
      video.muted = value || silent;
    });
  }

  loop(ended = false) {
    const { video } = this;
    if (!video) return;
    const now = video.currentTime;
    this.show(now);
    if (ended || now >= this.to - 0.04 || now < this.from - 0.5) {
      video.currentTime = this.from;
      video.play().catch(() => {});
    }
  }

  startPictures() {
    const image = this.querySelector("img");
    let at = this.from;
    this.turning = setInterval(() => {
      image.src = thumbnail(this.dataset.thumbnails, at);
      this.show(at);
      at = at + 1 < this.to ? at + 1 : this.from;
    }, 500);
  }

  show(now) {
    const share = (now - this.from) / (this.to - this.from);
    this.mark.style.left = `${Math.min(100, Math.max(0, 100 * share))}%`;
  }

  stop() {
    if (!this.playing) return;
    if (current === this) current = undefined;
    this.playing = false;
    this.classList.remove("playing");
    this.button.setAttribute("aria-label", `Play ${this.button.dataset.name}`);
    this.bar.remove();
    clearInterval(this.turning);
    this.forgetSound?.();
    const { video } = this;
    this.video = undefined;
    if (video) {
      video.pause();
      video.removeAttribute("src");
      video.load();
      video.remove();
    } else if (this.dataset.video) {
      this.querySelector("img").src = thumbnail(this.dataset.thumbnails, this.second);
    }
  }
}

customElements.define("clip-player", ClipPlayer);

