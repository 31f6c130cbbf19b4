// <training-curves>: loss, positive rate and alignment by epoch, of one training or of several
// over each other. The data lie on the element itself or, where a training runs, on the part of
// the page that is fetched anew (data-from); arrows or the pointer read off an epoch.

const SVG = "http://www.w3.org/2000/svg";
const number = (v) => (Math.abs(v) >= 100 ? v.toFixed(0) : v.toPrecision(3));
// Of all pairs few are alike: a share of a hundredth of a percent is told in a million.
const share = (v) => (v > 0 && v < 1e-4 ? `${number(1e6 * v)} in a million` : `${(100 * v).toFixed(2)} %`);

const CHARTS = [
  { key: "loss", name: "Loss", says: "falls as it learns", show: (v) => number(v) },
  {
    key: "positive_rate",
    name: "Positive rate",
    says: "pairs taken for alike",
    show: share,
    least: 0,
  },
  {
    key: "alignment",
    name: "Alignment",
    says: "own sound found; 0.5 is chance",
    show: (v) => v.toFixed(3),
    least: 0.5,
    most: 1,
  },
];

const known = (v) => typeof v === "number" && Number.isFinite(v);

function make(tag, name, parent) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  parent?.append(element);
  return element;
}

function draw(tag, attributes, parent) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

// One measure: lines in a box of 100 by 100 that the page stretches, and HTML for what is read.
class Chart {
  constructor(owner, kind) {
    this.owner = owner;
    this.kind = kind;
    this.root = make("figure", "curve", owner.grid);
    const caption = make("figcaption", "", this.root);
    make("strong", "", caption).textContent = kind.name;
    make("span", "muted", caption).textContent = kind.says;
    this.values = make("p", "curve-values", this.root);
    this.plot = make("div", "curve-plot", this.root);
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "img");
    this.svg = draw("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, this.plot);
    this.svg.setAttribute("aria-hidden", "true");
    this.top = make("span", "curve-top timecode", this.plot);
    this.bottom = make("span", "curve-bottom timecode", this.plot);
    this.cursor = make("i", "curve-cursor", this.plot);
    const axis = make("p", "curve-axis muted", this.root);
    make("span", "", axis).textContent = "epoch 1";
    this.last = make("span", "", axis);
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => owner.read(undefined));
    this.plot.addEventListener("blur", () => owner.read(undefined));
    this.plot.addEventListener("keydown", (event) => this.key(event));
  }

  point(event) {
    const box = this.plot.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    this.owner.read(1 + Math.round(share * (this.owner.planned - 1)));
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.owner.read((this.owner.epoch ?? this.owner.newest) + step);
  }

  x(epoch) {
    return this.owner.planned > 1 ? (100 * (epoch - 1)) / (this.owner.planned - 1) : 50;
  }

  scale() {
    const all = this.owner.series.flatMap((each) => each.epochs.map((e) => e[this.kind.key])).filter(known);
    this.empty = all.length === 0;
    const low = Math.min(...all, this.kind.least ?? Infinity);
    const high = Math.max(...all, this.kind.most ?? -Infinity);
    const room = high - low || Math.abs(high) || 1;
    this.low = this.kind.least === undefined ? low - room * 0.05 : low;
    this.high = this.kind.most === undefined ? high + room * 0.05 : high;
  }

  y(value) {
    return 100 - (100 * (value - this.low)) / (this.high - this.low);
  }

  show() {
    this.scale();
    this.svg.replaceChildren();
    this.root.classList.toggle("empty", this.empty);
    this.top.textContent = this.empty ? "" : this.kind.show(this.high);
    this.bottom.textContent = this.empty ? "nothing measured" : this.kind.show(this.low);
    this.last.textContent = this.owner.planned > 1 ? String(this.owner.planned) : "";
    if (!this.empty) {
      for (const at of [25, 50, 75]) draw("line", { x1: 0, x2: 100, y1: at, y2: at, class: "curve-rule" }, this.svg);
      this.owner.series.forEach((each, index) => this.line(each.epochs, index));
    }
    this.read(this.owner.epoch);
  }

  line(epochs, index) {
    let path = "";
    let pen = "M";
    for (const epoch of epochs) {
      const value = epoch[this.kind.key];
      if (known(value)) path += `${pen}${this.x(epoch.epoch).toFixed(2)},${this.y(value).toFixed(2)}`;
      pen = known(value) ? "L" : "M";
    }
    // A lone point is a line to itself: its round end makes it a dot.
    if (path && !path.includes("L")) path += path.replace("M", "L");
    draw("path", { d: path, class: `curve-line line-${index}` }, this.svg);
  }

  read(epoch) {
    const parts = this.owner.series.map((each) => {
      const value = (epoch === undefined ? each.epochs.at(-1) : each.epochs.find((e) => e.epoch === epoch))?.[this.kind.key];
      return known(value) ? this.kind.show(value) : "–";
    });
    this.values.replaceChildren();
    parts.forEach((text, index) => {
      const part = make("span", "timecode", this.values);
      if (parts.length > 1) part.append(this.owner.sample(index));
      part.append(text);
    });
    this.cursor.hidden = epoch === undefined;
    if (epoch !== undefined) this.cursor.style.left = `${this.x(epoch)}%`;
    const at = epoch ?? this.owner.newest;
    this.plot.setAttribute("aria-label", `${this.kind.name} at epoch ${at}: ${parts.join(" and ")}`);
  }
}

class TrainingCurves extends HTMLElement {
  connectedCallback() {
    this.replaceChildren();
    this.legend = make("ul", "curve-legend", this);
    this.grid = make("div", "curve-grid", this);
    this.charts = CHARTS.map((kind) => new Chart(this, kind));
    this.says = make("p", "curve-says muted", this);
    this.details = make("details", "curve-numbers", this);
    make("summary", "", this.details).textContent = "Every epoch in numbers";
    const box = make("div", "table-box", this.details);
    box.tabIndex = 0; // it scrolls, and not everybody has a wheel
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Every epoch in numbers");
    this.table = make("table", "table", box);
    this.details.addEventListener("toggle", () => this.tabulate());
    this.renew = () => this.show();
    document.body.addEventListener("htmx:afterSettle", this.renew);
    this.show();
  }

  disconnectedCallback() {
    document.body.removeEventListener("htmx:afterSettle", this.renew);
  }

  get source() {
    return document.getElementById(this.dataset.from) ?? this;
  }

  get newest() {
    return Math.max(1, ...this.series.map((each) => each.epochs.at(-1)?.epoch ?? 1));
  }

  show() {
    const { series, planned } = this.source.dataset;
    if (!series || (series === this.shown && planned === this.length)) return;
    this.shown = series;
    this.length = planned;
    this.series = JSON.parse(series);
    this.planned = Math.max(Number(planned) || 1, this.newest);
    this.hidden = this.series.every((each) => each.epochs.length === 0);
    this.name();
    for (const chart of this.charts) chart.show();
    this.read(this.epoch);
    this.tabulate();
  }

  name() {
    this.legend.replaceChildren();
    this.legend.hidden = !this.series.some((each) => each.name);
    this.series.forEach((each, index) => {
      const item = make("li", "", this.legend);
      item.append(this.sample(index), each.name);
    });
  }

  // A piece of the line, so that which is which does not hang on the colour alone.
  sample(index) {
    const box = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ class: "curve-sample", viewBox: "0 0 24 6", "aria-hidden": "true" })) {
      box.setAttribute(name, value);
    }
    draw("path", { d: "M1,3L23,3", class: `curve-line line-${index}` }, box);
    return box;
  }

  read(epoch) {
    this.epoch = epoch === undefined ? undefined : Math.min(this.newest, Math.max(1, epoch));
    for (const chart of this.charts) chart.read(this.epoch);
    const at = this.epoch ?? this.newest;
    const stage = this.series.length === 1 && this.series[0].epochs.find((e) => e.epoch === at)?.stage;
    const ends = this.series.length > 1 && this.epoch === undefined;
    this.says.textContent = ends ? "After the last epoch" : `Epoch ${at} of ${this.planned}${stage ? `: ${stage}` : ""}`;
  }

  tabulate() {
    if (!this.details.open) return;
    const spread = { key: "spread", name: "Spread", show: number };
    const kinds = [...CHARTS, spread];
    const several = this.series.length > 1;
    this.table.replaceChildren();
    const heads = ["Epoch", ...(several ? ["Encoder"] : []), ...kinds.map((kind) => kind.name), "Stage"];
    const top = make("tr", "", make("thead", "", this.table));
    for (const text of heads) make("th", "", top).textContent = text;
    const body = make("tbody", "", this.table);
    for (const { name, epochs } of this.series) {
      for (const epoch of epochs) {
        const row = make("tr", "", body);
        const cells = kinds.map(({ key, show }) => (known(epoch[key]) ? show(epoch[key]) : "–"));
        const says = [epoch.stage, epoch.warning].filter(Boolean).join(". ");
        for (const text of [epoch.epoch, ...(several ? [name] : []), ...cells, says]) {
          make("td", "", row).textContent = text;
        }
      }
    }
  }
}

customElements.define("training-curves", TrainingCurves);
