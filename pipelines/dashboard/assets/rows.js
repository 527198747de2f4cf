// The data of the page, the state of its filters, and which rows pass them.
"use strict";

const DAY = 86400000;
const data = JSON.parse(document.getElementById("data").textContent);
const EMPTY = {};

/** What the filters say; days count from 1970-01-01, the others are places in data.texts. null: everything. */
const state = { from: null, to: null, project: null, home: null, model: null, measure: "output" };

const MEASURES = [
  ["output", "Output tokens", (cube, i) => cube.output[i]],
  ["all", "All tokens", (cube, i) => cube.output[i] + cube.input[i] + cube.cache_read[i] + cube.cache_write[i]],
  ["cost", "Cost at list price", (cube, i) => cube.cost[i] ?? 0],
];

const texts = (dimension) => data.texts[dimension] ?? [];
const cubeOf = (name) => data.cubes[name] ?? EMPTY;
const size = (cube) => (cube.homes ?? cube.run ?? []).length;
const measure = () => MEASURES.find(([name]) => name === state.measure);

/** The models of each session, as a set of names: a prompt or a call has no model, its session has. */
const modelsOfSession = (() => {
  const cube = cubeOf("sessions");
  const found = new Map();
  for (let i = 0; i < size(cube); i++) {
    const names = found.get(cube.session[i]) ?? new Set();
    for (const name of texts("models")[cube.models[i]] ?? []) names.add(name);
    found.set(cube.session[i], names);
  }
  return found;
})();

/** Whether row i of a cube passes the filters; with `days` false its day is not asked. */
function passes(cube, i, days = true) {
  if (days && cube.day) {
    const first = cube.day[i], last = cube.day_end ? cube.day_end[i] : first;
    if (state.from !== null && (last === null || last < state.from)) return false;
    if (state.to !== null && (first === null || first > state.to)) return false;
  }
  if (state.project !== null && cube.project && cube.project[i] !== state.project) return false;
  if (state.home !== null && !texts("homes")[cube.homes[i]].includes(state.home)) return false;
  if (state.model !== null) {
    if (cube.model) return texts("model")[cube.model[i]] === state.model;
    if (cube.session) return modelsOfSession.get(cube.session[i])?.has(state.model) ?? false;
  }
  return true;
}

/** The places of the rows of a cube that pass. */
function chosen(name, days = true) {
  const cube = cubeOf(name), found = [];
  for (let i = 0; i < size(cube); i++) if (passes(cube, i, days)) found.push(i);
  return found;
}

/** Adds up `value(cube, i)` of the rows that pass. */
function total(name, value) {
  const cube = cubeOf(name);
  return d3.sum(chosen(name), (i) => value(cube, i));
}

/** The rows that pass, summed by a key: a Map of the key to what `add` made of its rows. */
function grouped(name, key, value, days = true) {
  const cube = cubeOf(name), sums = new Map();
  for (const i of chosen(name, days)) {
    const at = key(cube, i);
    sums.set(at, (sums.get(at) ?? 0) + value(cube, i));
  }
  return sums;
}

/** The first and the last day of all data with a day, whatever the filters say. */
const span = (() => {
  let first = Infinity, last = -Infinity;
  for (const name of ["usage", "prompts", "tools", "sessions"]) {
    for (const day of cubeOf(name).day ?? []) {
      if (day === null) continue;
      if (day < first) first = day;
      if (day > last) last = day;
    }
  }
  return first <= last ? [first, last] : null;
})();

/** The period by which bars are drawn, so that there are neither three nor three hundred. */
function period() {
  if (!span) return "day";
  const days = (state.to ?? span[1]) - (state.from ?? span[0]) + 1;
  return days <= 62 ? "day" : days <= 430 ? "week" : "month";
}

const instantOf = (day) => new Date(day * DAY);
const floorOf = { day: d3.utcDay, week: d3.utcMonday, month: d3.utcMonth };

const shortNumber = d3.format(".3~s");
function count(number) {
  if (Math.abs(number) < 10000) return d3.format(",")(Math.round(number));
  return shortNumber(number).replace("G", "B");
}
function bytes(number) {
  return number < 1000 ? `${number} B` : `${shortNumber(number).replace("k", " k").replace("M", " M").replace("G", " G")}B`;
}
const money = (number) => (number >= 100 ? d3.format("$,.0f")(number) : d3.format("$,.2f")(number));
const measured = (number) => (state.measure === "cost" ? money(number) : count(number));
const percent = (part, whole) => (whole ? d3.format(".1%")(part / whole) : "–");
function timeSpan(seconds) {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : minutes < 6000 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${count(minutes / 60)} h`;
}
const dayText = d3.utcFormat("%Y-%m-%d");
const moment = new Intl.DateTimeFormat("sv-SE", { timeZone: zoneOf(data.zone), dateStyle: "short", timeStyle: "short" });
function zoneOf(name) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
const when = (seconds) => (seconds === null ? "" : moment.format(new Date(seconds * 1000)));

/** The last part of a path, with the one above it: what people call a project. */
function projectName(place) {
  const path = texts("project")[place];
  if (path === null || path === undefined) return "no project";
  return path.split(/[\\/]/).filter(Boolean).slice(-2).join("/") || path;
}
