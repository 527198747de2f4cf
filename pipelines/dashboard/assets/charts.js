// The charts: each returns an element, or null where nothing is to be drawn.
"use strict";

const SERIES = ["var(--c0)", "var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)", "var(--c7)"];
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONGEST = 26;

const shortened = (text, most = LONGEST) => (text.length > most ? `…${text.slice(1 - most)}` : text);
const margins = (names) => 16 + 6.3 * Math.max(4, ...names.map((name) => Math.min(name.length, LONGEST)));

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) made[key] = value;
  made.append(...children);
  return made;
}

function legend(entries) {
  return element("div", { className: "legend" }, ...entries.map(([name, colour]) => {
    const mark = element("i");
    mark.style.background = colour;
    return element("span", {}, mark, document.createTextNode(name));
  }));
}

function draw(width, options) {
  return element("figure", {}, Plot.plot({
    width, marginTop: 12, marginRight: 12, style: { background: "none", overflow: "visible" }, ...options,
  }));
}

const timeAxis = { type: "utc", label: null };
const valueAxis = (format) => ({ label: null, ticks: 4, tickFormat: format, nice: true });
const grid = (format) => Plot.gridY({ ticks: 4, strokeOpacity: 0.12, tickFormat: format });

/** Bars by day, week or month; `points` are {at, value, series}. */
function bars(width, points, format, colours) {
  const unit = period();
  return draw(width, {
    height: 190, marginLeft: 48, x: timeAxis, y: valueAxis(format),
    color: { domain: colours.map(([name]) => name), range: colours.map(([, colour]) => colour) },
    marks: [
      grid(format),
      Plot.rectY(points, {
        x: "at", y: "value", interval: unit, fill: "series", order: colours.map(([name]) => name), inset: 0.5,
        title: (point) => `${point.series}\n${unit === "day" ? "" : `${unit} of `}${dayText(point.at)}: ${format(point.value)}`,
        tip: true,
      }),
      Plot.ruleY([0], { strokeOpacity: 0.3 }),
    ],
  });
}

/** Sums rows by period and series into the points that `bars` draws. */
function pointsOf(name, series, value) {
  const floor = floorOf[period()];
  const sums = new Map();
  const cube = cubeOf(name);
  for (const i of chosen(name)) {
    if (cube.day[i] === null) continue;
    const at = +floor(instantOf(cube.day[i])), of = series(cube, i), key = `${at} ${of}`;
    const point = sums.get(key) ?? { at: new Date(at), series: of, value: 0 };
    point.value += value(cube, i);
    sums.set(key, point);
  }
  return [...sums.values()].filter((point) => point.value);
}

/** Horizontal bars; `rows` are {name, title, parts: [[series, value]]}, the largest first. */
function ranking(width, rows, format, colours) {
  const points = rows.flatMap((row) => row.parts.map(([series, value]) => ({ name: row.name, title: row.title, series, value })));
  const names = rows.map((row) => row.name);
  return draw(width, {
    height: 30 + 22 * rows.length, marginLeft: margins(names), marginRight: 56, marginTop: 4, marginBottom: 24,
    x: { ...valueAxis(format), axis: "bottom" }, y: { domain: names, label: null, tickSize: 0, tickFormat: (name) => shortened(name) },
    color: { domain: colours.map(([name]) => name), range: colours.map(([, colour]) => colour) },
    marks: [
      Plot.barX(points, {
        x: "value", y: "name", fill: "series", insetTop: 3, insetBottom: 3,
        title: (point) => `${point.title}\n${point.series}: ${format(point.value)}`, tip: { anchor: "top" },
      }),
      Plot.text(rows, {
        x: (row) => d3.sum(row.parts, ([, value]) => value), y: "name", textAnchor: "start", dx: 5,
        text: (row) => format(d3.sum(row.parts, ([, value]) => value)), fill: "currentColor", fillOpacity: 0.75,
      }),
      Plot.ruleX([0], { strokeOpacity: 0.3 }),
    ],
  });
}

/** The largest `most` sums as rows of a ranking; names that look alike are told apart. */
function ranked(sums, nameOf, series, most = 12) {
  const largest = [...sums].filter(([, value]) => value > 0).sort((a, b) => d3.descending(a[1], b[1])).slice(0, most);
  const used = new Map();
  return largest.map(([key, value]) => {
    const title = nameOf(key), times = used.get(title) ?? 0;
    used.set(title, times + 1);
    return { name: title + "\u2009".repeat(times), title, parts: [[series, value]] };
  });
}

const only = (name) => [[name, "var(--accent)"]];

function activity(width) {
  const points = pointsOf("prompts", () => "Prompts", (cube, i) => cube.count[i]);
  return points.length ? bars(width, points, count, only("Prompts")) : null;
}

function rhythm(width) {
  const sums = grouped("prompts", (cube, i) => (d3.utcDay.count(d3.utcMonday(instantOf(cube.day[i])), instantOf(cube.day[i])) * 24) + cube.hour[i], (cube, i) => cube.count[i]);
  const most = d3.max(sums.values());
  if (!most) return null;
  const cells = d3.range(168).map((at) => ({ weekday: WEEKDAYS[Math.floor(at / 24)], hour: at % 24, value: sums.get(at) ?? 0 }));
  return draw(width, {
    height: 200, marginLeft: 40, marginTop: 4, marginBottom: 24, padding: 0.08,
    x: { label: null, tickSize: 0, domain: d3.range(24), tickFormat: (hour) => (hour % 3 ? "" : `${hour}`) },
    y: { label: null, tickSize: 0, domain: WEEKDAYS },
    marks: [Plot.cell(cells, {
      x: "hour", y: "weekday", rx: 2, fill: "var(--accent)", fillOpacity: (cell) => (cell.value ? 0.15 + 0.85 * Math.sqrt(cell.value / most) : 0.05),
      title: (cell) => `${cell.weekday} ${cell.hour}:00\n${count(cell.value)} prompts`, tip: true,
    })],
  });
}

function models(width) {
  const value = measure()[2];
  const sums = grouped("usage", (cube, i) => cube.model[i], value);
  const largest = [...sums].filter(([, sum]) => sum > 0).sort((a, b) => d3.descending(a[1], b[1])).map(([model]) => model);
  if (!largest.length) return null;
  const shown = largest.slice(0, 7), nameOf = (model) => (shown.includes(model) ? texts("model")[model] : "other models");
  const colours = shown.map((model, at) => [texts("model")[model], SERIES[at]]);
  if (largest.length > 7) colours.push(["other models", SERIES[7]]);
  const points = pointsOf("usage", (cube, i) => nameOf(cube.model[i]), value);
  return element("div", {}, legend(colours), bars(width, points, measured, colours));
}

function projects(width) {
  const rows = ranked(grouped("usage", (cube, i) => cube.project[i], measure()[2]), projectName, measure()[1]);
  return rows.length ? ranking(width, rows, measured, only(measure()[1])) : null;
}

function tools(width) {
  const cube = cubeOf("tools"), sums = new Map();
  for (const i of chosen("tools")) {
    const sum = sums.get(cube.tool[i]) ?? [0, 0, 0];
    sum[0] += cube.count[i];
    sum[1] += cube.failed[i];
    sum[2] += cube.denied[i];
    sums.set(cube.tool[i], sum);
  }
  const largest = [...sums].sort((a, b) => d3.descending(a[1][0], b[1][0])).slice(0, 14);
  if (!largest.length) return null;
  const colours = [["succeeded", "var(--accent)"], ["failed", "var(--bad)"], ["denied", "var(--warn)"]];
  const rows = largest.map(([tool, [all, failed, denied]]) => {
    const name = texts("tool")[tool] ?? "no name";
    return { name, title: name, parts: [["succeeded", all - failed - denied], ["failed", failed], ["denied", denied]] };
  });
  return element("div", {}, legend(colours), ranking(width, rows, count, colours));
}

function context(width) {
  const sums = grouped("context", (cube, i) => cube.band[i], (cube, i) => cube.count[i]);
  if (!sums.size) return null;
  const points = d3.range(21).map((band) => ({ band: band * 5, value: sums.get(band) ?? 0 }));
  return draw(width, {
    height: 190, marginLeft: 48, x: { label: null, domain: [0, 105], tickFormat: (band) => `${band} %` }, y: valueAxis(count),
    marks: [
      grid(count),
      Plot.rectY(points, {
        x1: "band", x2: (point) => point.band + 5, y: "value", inset: 0.5,
        fill: (point) => (point.band >= 100 ? "var(--bad)" : point.band >= 75 ? "var(--warn)" : "var(--accent)"),
        title: (point) => `${point.band} to ${point.band + 5} % of the context\n${count(point.value)} responses`, tip: true,
      }),
      Plot.ruleX([50, 75, 100], { strokeDasharray: "2 3", strokeOpacity: 0.5 }),
      Plot.ruleY([0], { strokeOpacity: 0.3 }),
    ],
  });
}

function subagents(width) {
  const rows = ranked(grouped("subagents", (cube, i) => cube.agent[i], (cube, i) => cube.count[i]), (agent) => texts("agent")[agent], "Subagents");
  return rows.length ? ranking(width, rows, count, only("Subagents")) : null;
}

function errors(width) {
  const rows = ranked(grouped("errors", (cube, i) => cube.kind[i], (cube, i) => cube.count[i]), (kind) => texts("kind")[kind] ?? "no kind", "Times");
  return rows.length ? ranking(width, rows, count, [["Times", "var(--bad)"]]) : null;
}

const KEPT = "Gone from the home, kept here", LOST = "Lost: only their prompts are known";

/** By project: sessions that the home has no longer and this archive has, and those of which no run read a transcript. */
function recovered(width) {
  const cube = cubeOf("sessions"), sums = new Map(), seen = new Set();
  for (const i of chosen("sessions")) {
    const of = texts("state")[cube.state[i]], lost = of === "named_only" && cube.prompts[i] > 0;
    if ((of !== "expired" && !lost) || seen.has(cube.session[i])) continue;
    seen.add(cube.session[i]); // a session may be in several homes
    const sum = sums.get(cube.project[i]) ?? [0, 0];
    sum[lost ? 1 : 0] += 1;
    sums.set(cube.project[i], sum);
  }
  const messages = grouped("recovered", (all, i) => all.project[i], (all, i) => all.count[i], false);
  const largest = [...sums].sort((a, b) => d3.descending(a[1][0], b[1][0]) || d3.descending(a[1][1], b[1][1])).slice(0, 12);
  if (!largest.length) return null;
  const used = new Map();
  const rows = largest.map(([project, [kept, lost]]) => {
    const name = projectName(project), times = used.get(name) ?? 0, held = messages.get(project) ?? 0;
    used.set(name, times + 1);
    const title = held ? `${name}, ${count(held)} messages that only the archive has` : name;
    return { name: name + "\u2009".repeat(times), title, parts: [[KEPT, kept], [LOST, lost]] };
  });
  const colours = [[KEPT, "var(--good)"], [LOST, "var(--bad)"]];
  return element("div", {}, legend(colours), ranking(width, rows, count, colours));
}

function growth(width) {
  const cube = cubeOf("runs"), sums = new Map();
  for (const i of chosen("runs", false)) {
    const at = cube.started[i] * 1000;
    sums.set(at, (sums.get(at) ?? 0) + cube.bytes_new[i]);
  }
  if (!sums.size) return null;
  let held = 0;
  const points = [...sums].sort((a, b) => a[0] - b[0]).map(([at, added]) => ({ at: new Date(at), added, held: (held += added) }))
    .filter(({ at }) => (state.from === null || +at >= state.from * DAY) && (state.to === null || +at < (state.to + 1) * DAY));
  if (!points.length) return null;
  return draw(width, {
    height: 190, marginLeft: 58, y: { ...valueAxis(bytes), zero: true },
    x: points.length > 1 ? timeAxis : { ...timeAxis, ticks: points.map((point) => point.at), tickFormat: dayText },
    marks: [
      grid(bytes),
      Plot.areaY(points, { x: "at", y: "held", curve: "step-after", fill: "var(--accent)", fillOpacity: 0.15 }),
      Plot.lineY(points, { x: "at", y: "held", curve: "step-after", stroke: "var(--accent)" }),
      Plot.dot(points, {
        x: "at", y: "held", r: 2.5, fill: "var(--accent)", tip: true,
        title: (point) => `run of ${when(point.at / 1000)}\n${bytes(point.added)} new, ${bytes(point.held)} in all`,
      }),
      Plot.ruleY([0], { strokeOpacity: 0.3 }),
    ],
  });
}

const RUN_COLUMNS = [
  ["files", "Files"], ["read", "read"], ["gone", "gone"], ["changed", "changed meanwhile"], ["unreadable", "unreadable"],
  ["corrupt", "corrupt"], ["rejects", "not understood"], ["unknown", "unknown fields"],
];

function runs() {
  const cube = cubeOf("runs"), sums = new Map();
  for (const i of chosen("runs")) {
    const run = sums.get(cube.run[i]) ?? { started: cube.started[i], ...Object.fromEntries(RUN_COLUMNS.map(([name]) => [name, 0])) };
    for (const [name] of RUN_COLUMNS) run[name] += cube[name][i];
    sums.set(cube.run[i], run);
  }
  const newest = [...sums.values()].sort((a, b) => b.started - a.started).slice(0, 15);
  if (!newest.length) return null;
  const head = element("tr", {}, element("th", { textContent: "Run" }), ...RUN_COLUMNS.map(([, title]) => element("th", { className: "number", textContent: title })));
  const lines = newest.map((run) => element("tr", {}, element("td", { className: "when", textContent: when(run.started) }),
    ...RUN_COLUMNS.map(([name]) => element("td", { className: "number", textContent: run[name] ? count(run[name]) : "–" }))));
  return element("div", { className: "scroll" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines)));
}
