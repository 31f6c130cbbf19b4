// The controls of the search page: short links, a sound switch, a link to copy.

import { muted, onMuted, setMuted } from "./sound.js";
import { typing } from "./words.js";

// A link names only what differs from the defaults, so that it stays readable.
function isDefault(form, name, value) {
  if (value === "") return true;
  const field = form.querySelector(`[name="${name}"][data-default]`);
  if (!field) return false;
  return field.type === "radio" ? field.value === value : Number(field.dataset.default) === Number(value);
}

document.addEventListener("htmx:configRequest", (event) => {
  const form = event.target;
  if (form.id !== "search-form") return;
  const { parameters } = event.detail;
  for (const name of Object.keys(parameters)) {
    const value = parameters[name];
    if (!Array.isArray(value) && isDefault(form, name, value)) delete parameters[name];
  }
  if (parameters.with && parameters.with !== "joint") delete parameters.weight;
});

// Dragging the slider ranks anew again and again; going back leads to before the drag.
document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
  const { history, requestConfig } = event.detail;
  if (requestConfig.triggeringEvent?.target?.name === "weight") history.type = "replace";
});

function showSound() {
  for (const button of document.querySelectorAll("[data-sound]")) {
    button.setAttribute("aria-pressed", String(!muted()));
    button.querySelector("[data-sound-label]").textContent = muted() ? "Sound off" : "Sound on";
  }
}

async function copyLink(button) {
  const label = button.querySelector("span");
  try {
    await navigator.clipboard.writeText(location.href);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Copy it from the address bar";
  }
  setTimeout(() => {
    label.textContent = "Copy link";
  }, 2500);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-sound]")) setMuted(!muted());
  const copy = event.target.closest("[data-copy-link]");
  if (copy) copyLink(copy);
});

document.addEventListener("keydown", (event) => {
  if (typing(event) || event.key.toLowerCase() !== "m" || !document.querySelector("[data-sound]")) return;
  setMuted(!muted());
});

// On a small screen the hits come first; the controls wait behind their summary.
if (matchMedia("(max-width: 64rem)").matches) document.querySelector(".tuning")?.removeAttribute("open");

onMuted(showSound);
document.addEventListener("htmx:afterSettle", showSound);
showSound();
