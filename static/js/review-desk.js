// <review-desk>: the player, the timeline and the clock of one recording, kept at one second.
// Where there is no playable copy yet, one thumbnail a second stands in for the video.

import { Loop } from "./loop.js";
import { Playback } from "./playback.js";
import { muted, onMuted, play, setMuted } from "./sound.js";
import { CameraClock, offset, thumbnail, typing } from "./words.js";

const ACTS = "[data-step], [data-picture], [data-toggle], [data-loop], [data-jump], [data-mute], [data-full], [data-seek]";

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
    this.jumpForm = this.querySelector("[data-jump-form]");
    this.loop = new Loop(() => this.showLoop());
    this.querySelector("[data-controls]").hidden = false;
    this.jumpForm.addEventListener("submit", (event) => this.jump(event));
    this.jumpForm.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.openJump();
    });
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
    this.playback?.stop();
    this.forgetSound?.();
  }

  readyVideo() {
    const video = this.video;
    video.controls = false;
    video.muted = muted();
    this.playback = new Playback(video, Number(this.dataset.fps), this);
    this.forgetSound = onMuted((value) => {
      video.muted = value;
    });
    video.addEventListener("timeupdate", () => this.played());
    video.addEventListener("ended", () => this.ended());
    video.addEventListener("seeking", () => this.played());
    video.addEventListener("play", () => this.state());
    video.addEventListener("pause", () => this.state());
    video.addEventListener("volumechange", () => this.state());
    video.addEventListener("ratechange", () => this.state());
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("loadedmetadata", () => this.settle(), { once: true });
    if (video.readyState >= 1) this.settle();
    this.querySelector("[data-speed]").addEventListener("change", (event) => {
      this.say("");
      this.playback.setSpeed(Number(event.target.value));
      this.state();
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
    // A hidden page draws no frames, and its loop is kept from here.
    if (!this.video.paused) this.playback.goRound();
    this.time = this.video.currentTime;
    this.show();
  }

  ended() {
    if (!this.loop.running || this.loop.to < this.video.duration - 0.3) return;
    this.seek(this.loop.from);
    this.start();
  }

  seek(time) {
    this.time = Math.min(this.duration - 0.05, Math.max(0, time));
    this.playback?.seek(this.time);
    this.show();
  }

  step(seconds) {
    // Steps land on whole seconds, where a clip begins.
    this.seek(this.second + seconds);
  }

  show() {
    const second = this.second;
    this.timeline?.showSecond?.(second, this.time);
    this.dispatchEvent(new CustomEvent("moved", { detail: this.time }));
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

  toggle() {
    if (!this.video) return;
    const { running } = this.playback;
    this.playback.stop();
    if (!running) this.start();
  }

  async start() {
    await play(this.video);
    if (!muted()) this.video.muted = false;
  }

  say(sentence) {
    this.querySelector("[data-says]").textContent = sentence;
  }

  picture(direction) {
    if (this.video) this.playback.picture(direction);
    else this.step(direction);
  }

  mark(which) {
    if (!this.video) return;
    if (which === "clear") this.loop.clear();
    else this.say(this.loop.mark(which, this.time));
  }

  showLoop() {
    const { from, to } = this.loop;
    for (const button of this.querySelectorAll("[data-loop]")) {
      const which = button.dataset.loop;
      if (which === "clear") button.hidden = from === undefined && to === undefined;
      else button.setAttribute("aria-pressed", String(this.loop[which] !== undefined));
    }
    this.timeline?.showLoop?.(this.loop);
  }

  openJump() {
    this.jumpForm.hidden = !this.jumpForm.hidden;
    this.querySelector("[data-jump]").setAttribute("aria-expanded", String(!this.jumpForm.hidden));
    if (!this.jumpForm.hidden) this.jumpForm.elements.clock.select();
  }

  jump(event) {
    event.preventDefault();
    const { seconds, sentence } = this.clock.find(this.jumpForm.elements.clock.value, this.duration);
    this.say(sentence ?? "");
    if (!seconds) return;
    this.playback?.stop();
    this.seek(seconds.find((each) => each > this.second) ?? seconds[0]);
    if (seconds.length > 1) this.say(`It comes ${seconds.length} times in this recording; go again for the next.`);
    else this.jumpForm.elements.clock.blur();
  }

  clicked(event) {
    const target = event.target.closest(ACTS);
    if (!target) return;
    const { dataset } = target;
    this.say("");
    if (dataset.step) this.step(Number(dataset.step));
    if (dataset.picture) this.picture(Number(dataset.picture));
    if (dataset.loop) this.mark(dataset.loop);
    if ("toggle" in dataset) this.toggle();
    if ("jump" in dataset) this.openJump();
    if ("mute" in dataset) setMuted(!this.video.muted);
    if ("full" in dataset) this.full();
    if (dataset.seek) {
      event.preventDefault();
      this.seek(Number(dataset.seek));
    }
  }

  // The controls come along; an iPhone fills its screen with nothing but a video.
  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.player.requestFullscreen) this.player.requestFullscreen();
    else if (this.video?.webkitEnterFullscreen) this.video.webkitEnterFullscreen();
    else this.say("This browser does not fill the screen with a part of a page.");
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
      ",": () => this.picture(-1),
      ".": () => this.picture(1),
      "<": () => this.playback?.change(-1),
      ">": () => this.playback?.change(1),
      j: () => this.playback?.backwards(),
      k: () => this.playback?.stop(),
      l: () => this.playback?.faster(),
      i: () => this.mark("from"),
      o: () => this.mark("to"),
      x: () => this.mark("clear"),
      t: () => this.openJump(),
      w: () => this.full(),
      m: () => setMuted(!muted()),
      f: () => this.findLink.click(),
    };
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    if (event.defaultPrevented) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    this.say("");
    action();
  }
}

customElements.define("review-desk", ReviewDesk);
