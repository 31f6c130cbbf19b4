// What every page has: shortcuts, the help dialog, pictures that are not there yet.

import "./answer-desk.js";
import "./clip-player.js";
import "./hit-grid.js";
import "./keep-moment.js";
import "./label-desk.js";
import "./peak-desk.js";
import "./review-desk.js";
import "./sample-form.js";
import "./score-line.js";
import "./search-form.js";
import "./sound-strip.js";
import "./time-line.js";
import "./training-curves.js";
import "./upload-zone.js";
import { typing } from "./words.js";

const help = document.getElementById("help");
const PLACES = { a: "/anomalies/", e: "/encoders", l: "/", s: "/search", v: "/events" };
let going = false;

function openHelp() {
  if (!help.open) help.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) openHelp();
  if (event.target === help) help.close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// In the capture phase, so that G L goes to the library before L plays.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    }
    if (typing(event)) return;
    const key = event.key.toLowerCase();
    if (event.key === "?") openHelp();
    if (going && key in PLACES) {
      event.preventDefault();
      event.stopPropagation();
      location.assign(PLACES[key]);
    }
    going = key === "g";
  },
  true,
);

// A picture that is not there yet is blank instead of a broken image.
document.addEventListener(
  "error",
  (event) => {
    if (event.target instanceof HTMLImageElement) event.target.classList.add("missing");
  },
  true,
);
document.addEventListener(
  "load",
  (event) => {
    if (event.target instanceof HTMLImageElement) event.target.classList.remove("missing");
  },
  true,
);
