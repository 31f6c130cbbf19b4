// Numbers and times in the same words as searchapp/templatetags/words.py.

const DAY_S = 86_400;

const two = (number) => String(number).padStart(2, "0");

export function offset(second) {
  const whole = Math.max(0, Math.floor(second));
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  if (hours) return `${hours} h ${two(minutes)} min`;
  if (minutes) return whole % 60 ? `${minutes} min ${two(whole % 60)} s` : `${minutes} min`;
  return `${whole} s`;
}

export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

// The clock of a camera: a recording's start and the camera's zone give the time of any second.
export class CameraClock {
  constructor(start, zone) {
    this.start = Date.parse(start);
    this.zone = zone;
    const options = { timeZone: zone, hourCycle: "h23" };
    this.times = new Intl.DateTimeFormat("en-GB", {
      ...options,
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    this.days = new Intl.DateTimeFormat("en-GB", {
      ...options,
      weekday: "short",
      day: "numeric",
      month: "short",
      year: "numeric",
    });
  }

  at(second) {
    return new Date(this.start + Math.floor(second) * 1000);
  }

  time(second) {
    return this.times.format(this.at(second));
  }

  // The seconds of a recording at which this clock shows a time of day; a sentence where there are
  // none. Twice in a day of 25 hours, and once a day in a recording of several.
  find(text, duration) {
    const match = /^(\d{1,2})[:.]?(\d\d)(?:[:.]?(\d\d))?$/.exec(text.trim());
    const [hour, minute, whole] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
    if (!match || hour > 23 || minute > 59 || whole > 59) {
      return { sentence: "Write a time of day, such as 14:05 or 14:05:30." };
    }
    const wanted = [hour, minute, whole].map(two).join(":");
    const since = ([hours, minutes, seconds]) => 3600 * hours + 60 * minutes + Number(seconds);
    const first = since([hour, minute, whole]) - since(this.time(0).split(":"));
    const seconds = [];
    // Summer time begins and ends by an hour, on one island by half of one.
    for (let day = first - DAY_S; day < duration + DAY_S; day += DAY_S) {
      for (const shift of [-3600, -1800, 0, 1800, 3600]) seconds.push(day + shift);
    }
    const here = seconds.filter((each) => each >= 0 && each < duration && this.time(each) === wanted);
    if (here.length) return { seconds: [...new Set(here)].sort((a, b) => a - b) };
    // The minute in which a recording begins is there, though not from its first second.
    if (!match[3] && this.time(0).startsWith(wanted.slice(0, 5))) return { seconds: [0] };
    const span = `from ${this.time(0)} to ${this.time(duration - 1)} on ${this.day(0)}, ${this.zone}`;
    return { sentence: `${wanted} is outside this recording, which runs ${span}.` };
  }

  day(second) {
    return this.days.format(this.at(second)).replace(",", "");
  }
}

// The address of a thumbnail, from the address of second 0.
export function thumbnail(first, second) {
  return first.replace(/0\.jpg$/, `${Math.floor(second)}.jpg`);
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Whether a key belongs to a field, a menu or a dialog instead of the page.
export function typing(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  if (document.querySelector("dialog[open]")) return true;
  return event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea") != null;
}
