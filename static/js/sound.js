// Whether things play with sound: one choice for all pages, kept in this browser.

const KEY = "muted";
const listeners = new Set();

let off = false;
try {
  off = localStorage.getItem(KEY) === "1";
} catch {
  off = false;
}

export const muted = () => off;

export function setMuted(value) {
  off = value;
  try {
    localStorage.setItem(KEY, value ? "1" : "0");
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  for (const listener of listeners) listener(off);
}

export function onMuted(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Browsers refuse sound before the first gesture; then it starts silent instead of not at all, and
// is heard from that gesture on.
export async function play(video) {
  const early = !navigator.userActivation?.hasBeenActive;
  video.muted = off || early;
  if (early) {
    for (const gesture of ["pointerdown", "keydown"]) {
      document.addEventListener(gesture, () => (video.muted = off), { once: true });
    }
  }
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError" || video.muted) return;
    video.muted = true;
    await video.play().catch(() => {});
  }
}
