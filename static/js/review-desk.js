// <review-desk>: the player, the timeline and the clock of one recording, kept at one second.
// Where there is no playable copy yet, one thumbnail a second stands in for the video.

import { muted, onMuted, play, setMuted } from "./sound.js";
import { CameraClock, offset, thumbnail, typing } from "./words.js";

const FASTEST = 16;

class ReviewDesk extends HTMLElement {
  connectedCallback() {
    this.duration = Number(this.dataset.duration);
    if (!this.duration) {
      this.waitForFootage();
      return;
    }
    this.time = Number(this.dataset.second);
    this.clock = new CameraClock(this.dataset.start, this.dataset.zone);
    this.video = this.querySelector("video");
    this.still = this.querySelector("[data-still]");
    this.timeline = this.querySelector("time-line");
    this.player = this.querySelector("[data-player]");
    this.findLink = this.querySelector("[data-find]");
    this.addLink = this.querySelector("[data-add]");
    this.addEventListener("seek", (event) => this.seek(event.detail));
    this.addEventListener("click", (event) => this.clicked(event));
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    if (this.video) this.readyVideo();
    this.waitForFootage();
    this.show();
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
    clearInterval(this.rewinding);
    this.forgetSound?.();
  }

  readyVideo() {
    const video = this.video;
    video.controls = false;
    video.muted = muted();
    this.querySelector("[data-controls]").hidden = false;
    this.forgetSound = onMuted((value) => {
      video.muted = value;
    });
    video.addEventListener("timeupdate", () => this.played());
    video.addEventListener("seeking", () => this.played());
    video.addEventListener("play", () => this.state());
    video.addEventListener("pause", () => this.state());
    video.addEventListener("volumechange", () => this.state());
    video.addEventListener("ratechange", () => this.state());
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("loadedmetadata", () => this.settle(), { once: true });
    if (video.readyState >= 1) this.settle();
    this.querySelector("[data-speed]").addEventListener("change", (event) => {
      video.playbackRate = Number(event.target.value);
    });
    this.state();
  }

  // Some browsers ignore #t in the address; the second of the link wins in every one.
  settle() {
    if (Math.abs(this.video.currentTime - this.time) > 0.5) this.video.currentTime = this.time;
  }

  // Load the page anew once a recording that was still being read has something to show.
  waitForFootage() {
    const playable = this.querySelector("#progress")?.dataset.playable;
    document.body.addEventListener("htmx:afterSettle", () => {
      const progress = document.getElementById("progress");
      if (!progress || !this.isConnected) return;
      const longer = Number(progress.dataset.duration) !== this.duration;
      if (longer || (progress.dataset.playable && !playable)) location.reload();
      else this.timeline?.refresh();
    });
  }

  get second() {
    return Math.min(this.duration - 1, Math.max(0, Math.floor(this.time + 1e-3)));
  }

  played() {
    if (this.video.readyState === 0) return;
    this.time = this.video.currentTime;
    this.show();
  }

  seek(time) {
    this.time = Math.min(this.duration - 0.05, Math.max(0, time));
    if (this.video) this.video.currentTime = this.time;
    this.show();
  }

  step(seconds) {
    // Whole steps land on whole seconds, where a clip begins.
    const from = Number.isInteger(seconds) ? this.second : this.time;
    this.seek(from + seconds);
  }

  show() {
    const second = this.second;
    this.timeline?.showSecond?.(second, this.time);
    if (second === this.shown) return;
    this.shown = second;
    for (const element of this.querySelectorAll("[data-offset]")) element.textContent = offset(second);
    this.querySelector("[data-clock]").textContent = this.clock.time(second);
    this.querySelector("[data-day]").textContent = this.clock.day(second);
    const query = new URLSearchParams({ recording: this.dataset.recording, second });
    this.findLink.href = `${this.dataset.search}?${query}`;
    if (this.addLink) this.addLink.href = `${this.addLink.dataset.add}${this.second}`;
    if (this.still) this.still.src = thumbnail(this.dataset.thumbnails, second);
    this.keepInAddress(second);
  }

  keepInAddress(second) {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const address = new URL(location);
      if (second) address.searchParams.set("t", second);
      else address.searchParams.delete("t");
      if (address.href !== location.href) history.replaceState(history.state, "", address);
    }, 250);
  }

  state() {
    const { paused, playbackRate } = this.video;
    this.player.classList.toggle("playing", !paused);
    this.querySelector("[data-toggle]").setAttribute("aria-label", paused ? "Play" : "Pause");
    const mute = this.querySelector("[data-mute]");
    mute?.setAttribute("aria-pressed", String(!this.video.muted));
    const speed = this.querySelector("[data-speed]");
    if ([...speed.options].some((each) => Number(each.value) === playbackRate)) {
      speed.value = String(playbackRate);
    }
  }

  stop() {
    clearInterval(this.rewinding);
    this.rewinding = undefined;
    this.rewindRate = 0;
    this.video?.pause();
  }

  toggle() {
    if (!this.video) return;
    const running = !this.video.paused || this.rewinding;
    this.stop();
    if (!running) this.start();
  }

  async start() {
    await play(this.video);
    if (!muted()) this.video.muted = false;
  }

  faster() {
    if (!this.video) return;
    const running = !this.video.paused;
    this.stop();
    this.video.playbackRate = running ? Math.min(FASTEST, this.video.playbackRate * 2) : 1;
    this.start();
  }

  // Browsers do not play backwards: it seeks back four times a second instead.
  backwards() {
    const rate = Math.min(FASTEST, (this.rewindRate || 2) * 2);
    this.stop();
    this.rewindRate = rate;
    this.rewinding = setInterval(() => {
      this.seek(this.time - rate / 4);
      if (this.time <= 0) this.stop();
    }, 250);
  }

  clicked(event) {
    const target = event.target.closest("[data-step], [data-toggle], [data-mute], [data-full], [data-seek]");
    if (!target) return;
    const { dataset } = target;
    if (dataset.step) this.step(Number(dataset.step));
    if ("toggle" in dataset) this.toggle();
    if ("mute" in dataset) setMuted(!this.video.muted);
    if ("full" in dataset) this.full();
    if (dataset.seek) {
      event.preventDefault();
      this.seek(Number(dataset.seek));
    }
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.querySelector("[data-stage]").requestFullscreen?.();
  }

  key(event) {
    if (typing(event)) return;
    const far = event.shiftKey ? 10 : 1;
    const actions = {
      ArrowLeft: () => this.step(-far),
      ArrowRight: () => this.step(far),
      Home: () => this.seek(0),
      End: () => this.seek(this.duration - 1),
      " ": () => this.toggle(),
      ",": () => this.step(-0.2),
      ".": () => this.step(0.2),
      j: () => this.backwards(),
      k: () => this.stop(),
      l: () => this.faster(),
      m: () => setMuted(!muted()),
      f: () => this.findLink.click(),
    };
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    if (event.defaultPrevented) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

customElements.define("review-desk", ReviewDesk);
