// Small plots of numbers over time, drawn as SVG.

const WIDTH = 300, HEIGHT = 100;

function svg(tag, parent, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function html(tag, parent, name = "") {
  const made = document.createElement(tag);
  made.className = name;
  parent.append(made);
  return made;
}

// 1, 2 or 5 times a power of ten, not below `value`.
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}

export function short(value) {
  if (value == null) return "–";
  if (value >= 10000) return `${Math.round(value / 1000)}k`;
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value < 1 ? 2 : 1);
}

// Runs of points where there are values: what is not known is a gap.
function runs(values, room, top) {
  const all = [[]];
  values.forEach((value, i) => {
    if (value == null) return all.at(-1).length && all.push([]);
    all.at(-1).push(`${(WIDTH * (room - values.length + i)) / (room - 1)},${HEIGHT * (1 - value / top)}`);
  });
  return all.filter((run) => run.length > 1);
}

export class Plot {
  // names: of its one or two series; most: the top of the scale, where that is known
  constructor(parent, title, unit, names, most = null) {
    Object.assign(this, { title, unit, names, most });
    const at = html("figure", parent, "plot");
    at.style.margin = "0";
    html("h2", at).textContent = title;
    const legend = html("p", at);
    this.labels = names.map((_, i) => html("span", legend, i ? "second" : "first"));
    this.svg = svg("svg", at, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    const scale = html("div", at, "scale");
    this.from = html("span", scale);
    this.top = html("span", scale);
  }

  // series: an array of values for each name, one a second and the newest last; null: not known. It shows
  // so many minutes.
  draw(series, minutes) {
    const known = series.flat().filter((value) => value != null);
    const top = this.most ?? roundUp(Math.max(...known, 0));
    this.svg.replaceChildren();
    for (const y of [0, HEIGHT / 2, HEIGHT]) svg("line", this.svg, { x1: 0, x2: WIDTH, y1: y, y2: y });
    series.forEach((values, i) => {
      for (const run of runs(values, 60 * minutes, top))
        svg("polyline", this.svg, { points: run.join(" "), class: i ? "second" : "first" });
      this.labels[i].textContent = `${this.names[i]} ${short(values.at(-1))} ${this.unit}`;
      this.labels[i].style.marginRight = "14px";
    });
    this.svg.setAttribute("aria-label", `${this.title}: ${this.labels.map((label) => label.textContent).join(", ")}`);
    this.top.textContent = `top: ${short(top)} ${this.unit}`;
    this.from.textContent = minutes > 1 ? `${minutes} minutes ago` : "a minute ago";
  }
}
