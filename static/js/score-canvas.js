// What <score-line> draws: the curve over its threshold, what was judged, the recordings with their
// gaps, how loud it was, and the clock.

export const MARGINS = { left: 8, right: 8 };
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

export function draw(line) {
  const { canvas } = line;
  const ratio = devicePixelRatio;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const small = height < 130;
  const loud = small ? 0 : 26;
  const plot = { top: 12, bottom: height - 22 - 10 - loud };
  const colour = colours(canvas);
  recordings(pen, line, plot, colour, height);
  curve(pen, line, plot, colour);
  if (loud) loudness(pen, line, plot.bottom + 13, loud - 4, colour);
  ticks(pen, line, width, height, colour);
  marks(pen, line, plot, colour);
}

function colours(canvas) {
  const style = getComputedStyle(canvas);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

function scale(line, plot) {
  const low = line.data.mean - 2 * line.data.std;
  const high = Math.max(line.data.most, line.threshold) + 0.3 * line.data.std;
  return (value) => plot.bottom - ((Math.max(low, value) - low) / (high - low)) * (plot.bottom - plot.top);
}

// Each bin from its own beginning to its end, the highest of those that share a pixel.
function columns(line, values, step, since) {
  const found = new Map();
  const first = Math.max(0, Math.floor((line.since - since) / step));
  const last = Math.min(values.length, Math.ceil((line.until - since) / step));
  for (let i = first; i < last; i += 1) {
    if (values[i] == null) continue;
    const x = Math.round(line.x(since + i * step));
    if (!(found.get(x)?.value >= values[i])) found.set(x, { value: values[i], end: line.x(since + (i + 1) * step) });
  }
  return found;
}

function curve(pen, line, plot, colour) {
  const y = scale(line, plot);
  const limit = y(line.threshold);
  const { piece } = line;
  if (piece) {
    for (const [x, { value, end }] of columns(line, piece.scores, piece.step, piece.since)) {
      const top = y(value);
      const wide = Math.max(1, Math.round(end) - x);
      pen.fillStyle = colour("pending");
      pen.fillRect(x, Math.max(top, limit), wide, plot.bottom - Math.max(top, limit));
      if (value > line.threshold) {
        pen.fillStyle = colour("accent");
        pen.fillRect(x, top, wide, plot.bottom - top);
      }
    }
  }
  pen.strokeStyle = colour("accent-text");
  pen.setLineDash([6, 4]);
  pen.beginPath();
  pen.moveTo(line.x(line.since), Math.round(limit) + 0.5);
  pen.lineTo(line.x(line.until), Math.round(limit) + 0.5);
  pen.stroke();
  pen.setLineDash([]);
}

function loudness(pen, line, top, high, colour) {
  const { piece } = line;
  if (!piece) return;
  pen.fillStyle = colour("found");
  const [low, most] = line.loudness;
  for (const [x, { value, end }] of columns(line, piece.levels, piece.step, piece.since)) {
    const share = Math.min(1, Math.max(0.04, (value - low) / Math.max(6, most - low)));
    pen.fillRect(x, top + high * (1 - share), Math.max(1, Math.round(end) - x), high * share);
  }
}

function recordings(pen, line, plot, colour, height) {
  for (const each of line.data.recordings) {
    if (each.end < line.since || each.start > line.until) continue;
    const from = Math.max(line.x(line.since), line.x(each.start));
    const to = Math.min(line.x(line.until), line.x(each.end));
    pen.fillStyle = colour("panel");
    pen.fillRect(from, 0, Math.max(1, to - from), height - 20);
    pen.fillStyle = colour("found");
    pen.fillRect(from, plot.bottom + 3, Math.max(1, to - from - 1), 4);
    pen.fillStyle = colour("bad");
    for (const [start, end] of each.gaps) {
      if (end < line.since || start > line.until) continue;
      pen.fillRect(line.x(start), plot.bottom + 2, Math.max(2, line.x(end) - line.x(start)), 6);
    }
  }
}

function ticks(pen, line, width, height, colour) {
  const length = line.until - line.since;
  const step = STEPS.find((each) => each >= (length / line.width) * 90) ?? STEPS.at(-1);
  // Round times of the camera's own clock, whatever its zone is at this moment.
  const [h, m, s] = line.clock.time(line.since).split(":").map(Number);
  const inDay = h * 3600 + m * 60 + s;
  const ahead = (step - (inDay % step)) % step;
  pen.fillStyle = colour("muted");
  pen.font = `11px ${colour("mono")}`;
  pen.textAlign = "center";
  for (let at = Math.floor(line.since) + ahead; at <= line.until; at += step) {
    const x = line.x(at);
    pen.fillRect(Math.round(x), height - 20, 1, 4);
    const text = step < 60 ? line.clock.time(at) : line.clock.time(at).slice(0, 5);
    if (x > 28 && x < width - 28) pen.fillText(text, x, height - 4);
  }
}

// Told apart by their shape too: a disc was confirmed, a bar dismissed, a ring left open.
function marks(pen, line, plot, colour) {
  for (const [start, end, verdict] of line.marks) {
    if (end < line.since || start > line.until) continue;
    const x = line.x((start + end) / 2);
    pen.fillStyle = pen.strokeStyle = colour(verdict === "confirmed" ? "accent-text" : "text");
    pen.lineWidth = 1.5;
    pen.beginPath();
    if (verdict === "dismissed") pen.rect(x - 4, 4, 8, 2);
    else pen.arc(x, 6, 3.5, 0, 2 * Math.PI);
    if (verdict === "unsure") pen.stroke();
    else pen.fill();
  }
  const stroke = (at, name) => {
    if (at === undefined || at < line.since || at > line.until) return;
    pen.fillStyle = colour(name);
    pen.fillRect(Math.round(line.x(at)), 0, 2, plot.bottom);
  };
  stroke(line.at === undefined ? undefined : line.at + 0.5, "focus");
  stroke(line.cursor, "text");
}
