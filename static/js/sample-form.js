// <sample-form>: a file to search with, sent with its progress; without script the form sends it.

import { duration, size } from "./words.js";

class SampleForm extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.bar = this.querySelector("progress");
    this.says = this.querySelector("[data-says]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.form.file.files[0]);
    });
  }

  send(file) {
    const request = new XMLHttpRequest();
    const begun = performance.now();
    request.open("POST", this.form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = (event) => this.show(event, (performance.now() - begun) / 1000);
    request.onload = () => {
      if (request.response?.place) location.assign(request.response.place);
      else this.stop(request.response?.problem ?? "The server refused it; load this page again.");
    };
    request.onerror = () => this.stop("The connection broke before the file was there; send it again.");
    this.busy(true);
    this.says.textContent = `${file.name} is being sent.`;
    request.send(new FormData(this.form));
  }

  show({ loaded, total }, elapsed) {
    const rate = loaded / elapsed;
    const left = duration((total - loaded) / rate);
    this.bar.value = loaded / total;
    this.says.textContent =
      loaded < total
        ? `${size(loaded)} of ${size(total)} · ${size(rate)} a second · ${left} left`
        : "All of it is there; it is being kept.";
  }

  stop(problem) {
    this.busy(false);
    this.says.textContent = problem;
    this.says.classList.add("bad");
  }

  busy(now) {
    this.bar.hidden = !now;
    this.form.querySelector("button").disabled = now;
    this.says.classList.remove("bad");
  }
}

customElements.define("sample-form", SampleForm);
