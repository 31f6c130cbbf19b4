// <upload-zone>: files and folders chosen, or dropped anywhere on the page, sent one after the other.
//
// What has come of them is the server's to say: it lists what is unfinished, checked or to be
// confirmed, so that another page, or this one after a restart, goes on where the last one stopped.

import { Arrival, same } from "./arrival.js";
import { chosen, dropped } from "./dropped-files.js";
import { duration, size } from "./words.js";

const ASK_MS = 1500;
const RATE_MS = 10_000;

class UploadZone extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector(".upload-form");
    this.queue = this.querySelector(".queue");
    this.problem = this.querySelector("[data-problem]");
    this.hint = this.querySelector("[data-hint]");
    this.arrivals = [];
    this.samples = [];
    this.opener = document.querySelector("[data-open-upload]");
    this.opener?.addEventListener("click", () => this.open(this.hidden));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    for (const field of this.querySelectorAll("input[type=file]")) {
      field.addEventListener("change", () => {
        this.take(chosen(field.files));
        field.value = "";
      });
    }
    this.querySelector("[data-folder]").hidden = !("webkitdirectory" in this.form.files);
    this.querySelector("[data-begin-all]").addEventListener("click", () => this.begin(this.told()));
    this.querySelector("[data-pause-all]").addEventListener("click", () => this.pauseAll());
    this.listenForDrops();
    window.addEventListener("beforeunload", (event) => {
      if (this.arrivals.some((each) => each.state === "sending")) event.preventDefault();
    });
    this.ask();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  open(wanted) {
    this.hidden = !wanted;
    this.opener?.setAttribute("aria-expanded", String(wanted));
    if (wanted) this.form.camera.focus();
  }

  listenForDrops() {
    const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    window.addEventListener("dragover", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      if (this.hidden) this.open(true);
      this.classList.add("dropping");
    });
    window.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) this.classList.remove("dropping");
    });
    window.addEventListener("drop", async (event) => {
      if (!files(event)) return;
      event.preventDefault();
      this.classList.remove("dropping");
      this.take(await dropped(event.dataTransfer));
    });
  }

  complain(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
  }

  // Files

  take({ files, others }) {
    this.complain(others && !files.length ? "There is no video and no sound in that folder." : "");
    this.hint.hidden = !others || !files.length;
    this.hint.textContent = `Left out of the folder: ${others} that ${others === 1 ? "is" : "are"} neither video nor sound.`;
    for (const { file, folder } of files) {
      const wanted = { name: file.name, size: file.size, modified: file.lastModified };
      const known = this.arrivals.find((each) => !each.ended && same(each, wanted));
      if (!known) this.add(new Arrival(this, { file, folder }));
      else if (known.state === "stopped" || known.state === "paused") known.resume(file);
    }
    this.work();
  }

  add(arrival) {
    this.arrivals.push(arrival);
    this.queue.append(arrival.element);
    if (!arrival.size) arrival.enter("failed", "The file is empty. Choose it again, or copy it anew.");
    this.changed();
  }

  drop(arrival) {
    this.arrivals = this.arrivals.filter((each) => each !== arrival);
    arrival.element.remove();
    this.changed();
    this.work();
  }

  async work() {
    if (this.working) return;
    this.working = true;
    for (let next = this.next(); next; next = this.next()) {
      await next.run();
      this.ask();
    }
    this.working = false;
    this.changed();
  }

  next() {
    return this.arrivals.find((each) => each.state === "queued");
  }

  pauseAll() {
    const going = this.arrivals.filter((each) => ["queued", "sending"].includes(each.state));
    if (going.length) for (const each of going.reverse()) each.pause();
    else for (const each of this.paused()) each.resume();
  }

  paused() {
    return this.arrivals.filter((each) => each.state === "paused" && each.file);
  }

  async begin(arrivals) {
    for (const each of arrivals) await each.confirm();
    window.htmx?.trigger("#library", "refresh");
  }

  told() {
    return this.arrivals.filter((each) => each.state === "told");
  }

  // Figures

  count(bytes) {
    const now = performance.now();
    this.samples.push([now, bytes]);
    while (now - this.samples[0][0] > RATE_MS) this.samples.shift();
    this.changed();
  }

  // Bytes a second over the last ten seconds; 0 where nothing can be told yet.
  rate() {
    const first = this.samples[0]?.[0] ?? 0;
    const seconds = (performance.now() - first) / 1000;
    return seconds < 0.5 ? 0 : this.samples.reduce((sum, [, bytes]) => sum + bytes, 0) / seconds;
  }

  changed() {
    const told = this.told().length;
    const begin = this.querySelector("[data-begin-all]");
    begin.hidden = told < 2;
    begin.textContent = `Take in all ${told}`;
    const going = this.arrivals.filter((each) => ["queued", "sending"].includes(each.state));
    const button = this.querySelector("[data-pause-all]");
    button.hidden = going.length + this.paused().length < 2;
    button.textContent = going.length ? "Pause all" : "Resume all";
    this.querySelector("[data-all]").textContent = going.length > 1 ? this.sum(going) : "";
  }

  sum(going) {
    const left = going.reduce((sum, each) => sum + each.size - each.sent, 0);
    const rate = this.rate();
    const time = rate ? `, ${size(rate)}/s, ${duration(left / rate)} left in all` : "";
    return `${going.length} files to go, ${size(left)}${time}`;
  }

  // The server

  async ask() {
    clearTimeout(this.timer);
    const answer = await this.fetched(this.dataset.listUrl);
    for (const row of answer.uploads ?? []) {
      const known = this.arrivals.find((each) => each.url === row.url) ?? this.unnamed(row);
      this.alone = answer.alone;
      if (known) known.learn(row);
      else this.show(row);
    }
    const waiting = this.arrivals.some((each) => each.state === "checking");
    if (waiting) this.timer = setTimeout(() => this.ask(), ASK_MS);
  }

  // One that was begun, and whose address was lost with the answer.
  unnamed(row) {
    return this.arrivals.find((each) => !each.url && each.begun && !each.ended && same(each, row));
  }

  show(row) {
    if (this.hidden) {
      this.hidden = false;
      this.opener?.setAttribute("aria-expanded", "true");
    }
    this.add(new Arrival(this, { row }));
  }

  async forget(url) {
    const headers = { "X-CSRFToken": this.dataset.token, "Tus-Resumable": "1.0.0" };
    try {
      const answer = await fetch(url, { method: "DELETE", headers });
      if (answer.ok || answer.status === 404 || answer.status === 410) return true;
    } catch {
      // said below
    }
    this.complain("The server cannot be reached, so nothing was cancelled. Try again.");
    return false;
  }

  post(url, body) {
    const headers = { "X-CSRFToken": this.dataset.token };
    return this.fetched(url, { method: "POST", headers, body });
  }

  async fetched(url, options) {
    try {
      return await (await fetch(url, options)).json();
    } catch {
      return { error: "The server did not answer; load this page again and repeat it." };
    }
  }

  // Cameras that can be chosen, and their zones

  zoneOf(camera) {
    const known = [...this.querySelectorAll("#upload-cameras option")].find((each) => each.value === camera);
    if (known) return known.dataset.zone;
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const options = [...this.querySelectorAll("#upload-zones option")];
    return options.some((each) => each.value === timeZone) ? timeZone : "UTC";
  }

  remember(name, zone) {
    const list = this.querySelector("#upload-cameras");
    if ([...list.options].some((each) => each.value === name)) return;
    const option = new Option("", name);
    option.dataset.zone = zone;
    list.append(option);
  }
}

customElements.define("upload-zone", UploadZone);
