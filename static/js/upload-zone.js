// <upload-zone>: files chosen or dropped anywhere on the page, sent one after the other.
// One request a file, its body being the file's bytes; a small request before asks whether the
// server would take it, since a refusal in the middle of a body reaches no browser.

import { duration, size } from "./words.js";

class Upload {
  constructor(zone, file, fields) {
    this.zone = zone;
    this.file = file;
    this.query = new URLSearchParams({ ...fields, name: file.name });
    this.row = document.createElement("li");
    this.name = document.createElement("span");
    this.name.className = "queue-name";
    this.name.textContent = file.name;
    this.cancel = document.createElement("button");
    this.cancel.type = "button";
    this.cancel.className = "button small";
    this.cancel.textContent = "Cancel";
    this.cancel.addEventListener("click", () => this.abort());
    this.bar = document.createElement("progress");
    this.bar.max = file.size || 1;
    this.bar.value = 0;
    this.says = document.createElement("span");
    this.says.className = "queue-says";
    this.says.textContent = `Waiting, ${size(file.size)}`;
    this.row.append(this.name, this.cancel, this.bar, this.says);
    this.aborted = false;
  }

  abort() {
    this.aborted = true;
    this.request?.abort();
    this.end("failed", "Cancelled. Nothing of it was kept.");
  }

  end(state, sentence) {
    this.ended = true;
    this.row.classList.add(state);
    this.says.textContent = sentence;
    this.bar.remove();
    this.cancel.remove();
  }

  async run() {
    if (this.aborted) return;
    const refusal = await this.refusal();
    if (this.aborted) return;
    if (refusal) this.end("failed", refusal);
    else await this.send();
  }

  async refusal() {
    const query = new URLSearchParams(this.query);
    query.set("size", this.file.size);
    try {
      const answer = await fetch(`${this.zone.dataset.checkUrl}?${query}`);
      if (answer.ok) return (await answer.json()).error;
      return "The server refused the file; load this page again and repeat it.";
    } catch {
      return "The server cannot be reached. Check the connection and choose the file again.";
    }
  }

  send() {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      this.request = request;
      const began = performance.now();
      request.upload.addEventListener("progress", (event) => this.progress(event, began));
      request.addEventListener("load", () => this.answered(request));
      request.addEventListener("error", () => {
        this.end("failed", "The connection broke before the file was complete. Choose it again.");
      });
      request.addEventListener("loadend", resolve);
      request.open("POST", `${this.zone.dataset.url}?${this.query}`);
      request.setRequestHeader("X-CSRFToken", this.zone.dataset.token);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.send(this.file);
    });
  }

  progress(event, began) {
    const seconds = (performance.now() - began) / 1000;
    this.bar.value = event.loaded;
    if (event.loaded >= this.file.size) {
      this.says.textContent = "Sent. The server is checking it.";
      return;
    }
    const rate = event.loaded / Math.max(0.2, seconds);
    const left = rate > 0 ? `, ${duration((this.file.size - event.loaded) / rate)} left` : "";
    this.says.textContent = `${size(event.loaded)} of ${size(this.file.size)}, ${size(rate)}/s${left}`;
  }

  answered(request) {
    let answer;
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      answer = { error: "The server refused the file; load this page again and repeat it." };
    }
    if (answer.error || request.status >= 400) {
      this.end("failed", answer.error);
      return;
    }
    const link = document.createElement("a");
    link.href = answer.url;
    link.textContent = this.file.name;
    this.name.replaceChildren(link);
    this.zone.remember(answer.camera);
    if (answer.refused) this.end("failed", `The library knows these very bytes and refused them. ${answer.refused}`);
    else if (answer.known) this.end("finished", `The library has these very bytes already, from ${answer.camera}.`);
    else this.end("finished", "Received. What comes of it is shown below.");
  }
}

class UploadZone extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.queue = this.querySelector(".queue");
    this.problem = this.querySelector("[data-problem]");
    this.uploads = [];
    this.opener = document.querySelector("[data-open-upload]");
    this.opener?.addEventListener("click", () => this.open(this.hidden));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.camera.addEventListener("change", () => this.showNew());
    this.form.files.addEventListener("change", () => {
      this.take([...this.form.files.files]);
      this.form.files.value = "";
    });
    this.preferZone();
    this.showNew();
    this.listenForDrops();
    window.addEventListener("beforeunload", (event) => {
      if (this.uploads.some((each) => !each.ended)) event.preventDefault();
    });
  }

  open(wanted) {
    this.hidden = !wanted;
    this.opener?.setAttribute("aria-expanded", String(wanted));
    if (wanted) this.form.camera.focus();
  }

  // A camera that an upload has made can be chosen for the next one.
  remember(name) {
    const { camera } = this.form;
    if ([...camera.options].some((each) => each.value === name)) return;
    camera.add(new Option(name, name, false, true), camera.options.length - 1);
    this.showNew();
  }

  showNew() {
    const isNew = this.form.camera.value === "";
    for (const field of this.querySelectorAll("[data-new-camera]")) field.hidden = !isNew;
  }

  preferZone() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const options = [...this.form.zone.options].map((each) => each.value);
    if (options.includes(timeZone)) this.form.zone.value = timeZone;
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
    window.addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      this.classList.remove("dropping");
      this.take([...event.dataTransfer.files]);
    });
  }

  complain(sentence, field) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
    field?.focus();
  }

  take(files) {
    const { camera, start, zone } = this.form;
    const name = camera.value || this.form.new.value.trim();
    if (!files.length) return;
    if (!name) {
      this.complain("Name the camera that made this recording, then choose the file again.", this.form.new);
      return;
    }
    if (start.value && files.length > 1) {
      this.complain("A start fits one file. Choose the files one at a time, or leave the start blank.", start);
      return;
    }
    this.complain("");
    const fields = { camera: name, zone: zone.value, start: start.value };
    for (const file of files) {
      const upload = new Upload(this, file, fields);
      this.uploads.push(upload);
      this.queue.append(upload.row);
    }
    start.value = "";
    this.work();
  }

  async work() {
    if (this.working) return;
    this.working = true;
    for (let next = this.next(); next; next = this.next()) {
      await next.run();
      window.htmx?.trigger("#library", "refresh");
    }
    this.working = false;
  }

  next() {
    return this.uploads.find((each) => !each.ended);
  }
}

customElements.define("upload-zone", UploadZone);
