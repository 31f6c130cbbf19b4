// One row of the uploads: a file from being chosen to being a recording.
//
// queued -> sending <-> paused; stopped: begun before, and its file is to be chosen again. Once sent:
// checking -> told, when camera and start are confirmed -> finished. failed from any of them.

import { send } from "./sending.js";
import { duration, size } from "./words.js";

export const same = (a, b) => a.name === b.name && a.size === b.size && a.modified === b.modified;

// The clock of a zone at a moment, as a field for day and time wants it.
function wall(moment, zone) {
  if (!/(Z|[+-]\d\d:?\d\d)$/.test(moment)) return moment.slice(0, 19);
  const options = { timeZone: zone, dateStyle: "short", timeStyle: "medium" };
  try {
    return new Intl.DateTimeFormat("sv-SE", options).format(new Date(moment)).replace(" ", "T");
  } catch {
    return ""; // there is no such zone
  }
}

export class Arrival {
  constructor(zone, { file = null, folder = "", row = null }) {
    this.zone = zone;
    this.file = file;
    const { name, size: bytes } = row ?? file;
    Object.assign(this, { name, size: bytes, modified: row?.modified ?? file.lastModified });
    this.url = row?.url;
    this.sent = row?.offset ?? 0;
    this.camera = row?.camera || zone.form.camera.value.trim() || folder;
    this.element = zone.querySelector("[data-row]").content.firstElementChild.cloneNode(true);
    this.form = this.find("form");
    this.find("[data-name]").textContent = this.name;
    this.listen();
    this.enter("queued", `Waiting, ${size(this.size)}`);
    if (row) this.learn(row);
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  get ended() {
    return this.state === "finished" || this.state === "failed";
  }

  listen() {
    this.find("[data-pause]").addEventListener("click", () => this.pause());
    this.find("[data-resume]").addEventListener("click", () => this.resume());
    this.find("[data-cancel]").addEventListener("click", () => this.cancel());
    this.find("[data-other]").addEventListener("click", () => this.choose(this.other));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.zone.begin([this]);
    });
    this.form.camera.addEventListener("input", () => this.suggestZone());
    this.form.zone.addEventListener("input", () => this.showStart());
    this.form.start.addEventListener("input", () => this.choose(null));
  }

  enter(state, sentence) {
    this.state = state;
    this.element.dataset.state = state;
    this.says(sentence);
    this.find("[data-pause]").hidden = !["queued", "sending"].includes(state);
    this.find("[data-resume]").hidden = state !== "paused";
    this.find("[data-cancel]").hidden = ["checking", "finished"].includes(state);
    this.find("[data-cancel]").textContent = ["told", "failed"].includes(state) ? "Remove" : "Cancel";
    this.find("progress").hidden = !["queued", "sending", "paused", "stopped"].includes(state);
    this.find("progress").value = this.size ? this.sent / this.size : 0;
    this.form.hidden = state !== "told";
    this.zone.changed();
  }

  says(sentence) {
    this.find("[data-says]").textContent = sentence;
  }

  // Sending

  async run() {
    this.enter("sending", "Starting");
    if (this.begun && !this.url) await this.zone.ask();
    this.begun = true;
    if (this.state !== "sending") return;
    await new Promise((resolve) => {
      this.resolve = resolve;
      const { url, token } = this.zone.dataset;
      const metadata = { camera: this.camera };
      send(this.file, { endpoint: url, url: this.url, token, metadata, tell: this.tell() }).then((upload) => {
        this.upload = upload;
        if (this.state !== "sending") upload.abort();
      });
    });
    this.upload = null;
  }

  tell() {
    let before = null; // what an earlier attempt sent is not counted in the rate
    return {
      url: (url) => (this.url = url),
      trying: (sentence) => this.state === "sending" && this.says(sentence),
      done: () => this.leave("checking", "Sent. It is being checked."),
      failed: ({ sentence, final, lost }) => {
        this.leave(final ? "failed" : lost ? "stopped" : "paused", sentence);
      },
      progress: (sent) => {
        if (this.state !== "sending") return;
        if (before !== null) this.zone.count(sent - before);
        before = this.sent = sent;
        this.find("progress").value = sent / this.size;
        const rate = this.zone.rate();
        const left = rate ? `, ${size(rate)}/s, ${duration((this.size - sent) / rate)} left` : "";
        this.says(`${size(sent)} of ${size(this.size)}${left}`);
      },
    };
  }

  leave(state, sentence) {
    if (this.ended) return;
    if (state === "stopped") this.file = null;
    this.enter(state, sentence);
    this.resolve?.();
    this.zone.work();
  }

  pause() {
    this.upload?.abort();
    this.leave("paused", `Paused at ${size(this.sent)} of ${size(this.size)}.`);
  }

  resume(file = this.file) {
    this.file = file;
    this.enter("queued", `Waiting, ${size(this.size - this.sent)} to go`);
    this.zone.work();
  }

  async cancel() {
    const kept = this.url;
    this.upload?.abort();
    if (kept && !(await this.zone.forget(kept))) return;
    this.enter("finished", "");
    this.resolve?.();
    this.zone.drop(this);
  }

  // Checked and confirmed

  // Take over what the server says of it.
  learn(row) {
    this.url = row.url;
    const known = row.recording;
    if (row.state === "receiving") {
      if (this.file) return;
      this.sent = row.offset;
      const by = row.by ? ` Begun by ${row.by}.` : "";
      const here = `${size(row.offset)} of ${size(row.size)} are here until ${day(row.expires)}.`;
      if (this.state !== "stopped") this.enter("stopped", `${here}${by} Choose or drop the same file again to go on.`);
    } else if (row.state === "failed") this.enter("failed", row.error);
    else if (known) this.recognise(known);
    else if (row.state !== "done") this.check(row);
    else if (this.state !== "told") this.ask(row);
  }

  check(row) {
    const alone = this.zone.alone ? " Nothing is, while no worker runs: start manage.py worker." : "";
    const done = row.progress ? ` ${Math.round(100 * row.progress)} %` : "";
    const sentence = row.error || `Sent. It is being checked.${done}${alone}`;
    if (this.state === "checking") this.says(sentence);
    else this.enter("checking", sentence);
  }

  recognise(known) {
    this.link(known.url);
    if (known.refused) this.enter("failed", `The library knows these very bytes and refused them. ${known.refused}`);
    else this.enter("failed", `The library has these very bytes already, from ${known.camera}.`);
  }

  ask(row) {
    this.told = row.told;
    this.form.camera.value = this.camera;
    this.suggestZone();
    this.choose(this.told[0] ?? null);
    this.enter("told", "Arrived whole. Confirm where and when it was recorded.");
  }

  suggestZone() {
    this.form.zone.value = this.zone.zoneOf(this.form.camera.value.trim());
    this.showStart();
  }

  // Take one of the starts that the file tells; null where somebody wrote their own.
  choose(start) {
    this.start = start;
    this.other = this.told.find((each) => each !== start);
    this.showStart();
  }

  showStart() {
    const { start, zone } = this.form;
    const source = { file: "Read from the file's own data.", name: "Read from the file's name." };
    if (this.start) start.value = wall(this.start.moment, zone.value);
    const none = "The file does not say when it begins. Left blank, it comes after the camera's others.";
    this.find("[data-told]").textContent = this.start ? source[this.start.by] : this.told.length ? "As you wrote it." : none;
    const other = this.other && wall(this.other.moment, zone.value);
    const button = this.find("[data-other]");
    button.hidden = !other || other === wall(start.value, zone.value);
    if (!other) return;
    const whose = this.other.by === "name" ? "Its name says" : "Its own data say";
    button.textContent = `${whose} ${other.replace("T", " ")}: take that`;
  }

  async confirm() {
    if (!this.form.reportValidity()) return false;
    const { camera, start, zone } = this.form;
    const fields = { camera: camera.value.trim(), zone: zone.value.trim(), start: this.start?.moment ?? start.value };
    this.says("One moment …");
    const answer = await this.zone.post(`${this.url}/confirm`, new URLSearchParams(fields));
    if (answer.error) {
      this.element.classList.add("refused");
      this.says(answer.error);
      return false;
    }
    this.element.classList.remove("refused");
    this.link(answer.url);
    this.zone.remember(answer.camera, fields.zone);
    if (answer.known) this.enter("finished", `The library has these very bytes already, from ${answer.camera}.`);
    else this.enter("finished", `Received, for ${answer.camera}. What comes of it is shown below.`);
    return true;
  }

  link(url) {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = this.name;
    this.find("[data-name]").replaceChildren(link);
  }
}

function day(moment) {
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" }).format(new Date(moment));
}
