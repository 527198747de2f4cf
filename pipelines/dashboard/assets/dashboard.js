// The page: filters, figures, cards, the table of sessions. Text of the data is shown by textContent alone.
"use strict";

const CARDS = [
  ["activity", "Prompts", "What a person typed, by day, week or month.", ["prompts"], activity, true],
  ["rhythm", "Hours of the week", "When prompts were typed, in local time.", ["prompts"], rhythm],
  ["models", "Use by model", "", ["usage"], models],
  ["projects", "Use by project", "", ["usage"], projects],
  ["tools", "Tools", "Calls, and how many failed or were denied.", ["tools"], tools],
  ["context", "How full the context was", "Responses by the share of the context window that they filled.", ["context"], context],
  ["errors", "What went wrong", "Errors, retries, limits, denials and changes of model, by kind.", ["errors"], errors],
  ["subagents", "Subagents", "Subagents that were started, by kind.", ["subagents"], subagents],
  ["recovered", "Kept and lost", "Sessions that the home has no longer, by project: kept by this archive, or deleted before a run could read them.", ["sessions"], recovered],
  ["growth", "Growth of the archive", "Bytes in the store after each run.", ["runs"], growth],
  ["runs", "Fixity and unknown fields, by run", "The newest runs first.", ["runs"], runs, true],
];
const COLUMNS = [
  ["started", "Started"], ["title", "Session"], ["project", "Project"], ["active", "Active"], ["prompts", "Prompts"],
  ["tools", "Tools"], ["errors", "Failed"], ["output", "Output tokens"], ["cost", "Cost"],
];
const TEXT_COLUMNS = ["started", "title", "project"];
const PERIODS = [["7 days", 7], ["30 days", 30], ["90 days", 90], ["All", null]];
const table = { sort: "started", isAscending: false, words: "", shown: 50 };
const form = document.getElementById("filters");

function readForm() {
  const day = (name) => (form.elements[name].value ? Date.parse(`${form.elements[name].value}T00:00:00Z`) / DAY : null);
  const value = (name) => (form.elements[name].value === "" ? null : form.elements[name].value);
  state.from = day("from");
  state.to = day("to");
  state.project = value("project") === null ? null : Number(value("project"));
  state.home = value("home");
  state.model = value("model");
  state.measure = value("measure") ?? "output";
}

function options(name, entries) {
  const chosenBefore = form.elements[name].value;
  form.elements[name].replaceChildren(...entries.map(([value, text]) => element("option", { value, textContent: text })));
  form.elements[name].value = chosenBefore;
  if (form.elements[name].selectedIndex < 0) form.elements[name].selectedIndex = 0;
}

function fillForm() {
  const places = texts("project").map((path, place) => [String(place), path === null ? "no project" : path]);
  options("project", [["", "All projects"], ...places.sort((a, b) => d3.ascending(a[1], b[1]))]);
  const homes = [...new Set(texts("homes").flat())].sort(d3.ascending);
  options("home", [["", "All homes"], ...homes.map((home) => [home, home])]);
  options("model", [["", "All models"], ...[...texts("model")].sort(d3.ascending).map((model) => [model, model])]);
  options("measure", MEASURES.map(([name, title]) => [name, title]));
  form.querySelector(".presets").replaceChildren(...PERIODS.map(([title, days]) => {
    const button = element("button", { type: "button", textContent: title });
    button.dataset.days = days ?? "";
    button.addEventListener("click", () => choosePeriod(days));
    return button;
  }));
}

function choosePeriod(days) {
  form.elements.from.value = days === null || !span ? "" : dayText(instantOf(span[1] - days + 1));
  form.elements.to.value = "";
  changed();
}

/** The filters stand in the address too, so that a view can be kept as a bookmark. */
function writeAddress() {
  const fields = ["from", "to", "home", "model"].map((name) => [name, form.elements[name].value]);
  fields.push(["project", state.project === null ? "" : texts("project")[state.project] ?? ""]);
  if (state.measure !== "output") fields.push(["measure", state.measure]);
  const address = new URLSearchParams(fields.filter(([, value]) => value !== "")).toString();
  history.replaceState(null, "", address ? `#${address}` : location.pathname);
}

function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  for (const name of ["from", "to", "home", "model", "measure"]) if (fields.has(name)) form.elements[name].value = fields.get(name);
  if (fields.has("project")) form.elements.project.value = String(texts("project").indexOf(fields.get("project")));
  for (const select of form.querySelectorAll("select")) if (select.selectedIndex < 0) select.selectedIndex = 0;
}

function showTiles() {
  const sessions = cubeOf("sessions"), rows = chosen("sessions");
  const different = new Set(rows.map((i) => sessions.session[i]));
  const gone = new Set(rows.filter((i) => texts("state")[sessions.state[i]] === "expired").map((i) => sessions.session[i]));
  const active = new Map(rows.map((i) => [sessions.session[i], sessions.active[i] ?? 0]));
  const calls = total("tools", (cube, i) => cube.count[i]);
  const cost = total("usage", (cube, i) => cube.cost[i] ?? 0), parts = total("usage", (cube, i) => cube.parts[i]);
  const unpriced = total("usage", (cube, i) => cube.unpriced[i]), doubtful = total("usage", (cube, i) => cube.unreliable[i]);
  const cached = total("usage", (cube, i) => cube.cache_read[i]), sent = cached + total("usage", (cube, i) => cube.input[i] + cube.cache_write[i]);
  const tiles = [
    ["sessions", count(different.size), `${count(gone.size)} only in this archive`],
    ["active time", timeSpan(d3.sum(active.values())), "pauses left out"],
    ["prompts", count(total("prompts", (cube, i) => cube.count[i])), ""],
    ["tool calls", count(calls), `${percent(total("tools", (cube, i) => cube.failed[i]), calls)} failed`],
    ["output tokens", count(total("usage", (cube, i) => cube.output[i])), doubtful ? `${percent(doubtful, parts)} of responses unreliable` : ""],
    ["tokens sent", count(sent), `${percent(cached, sent)} from the cache`],
    ["cost at list price", money(cost), unpriced ? `${percent(unpriced, parts)} of responses without a price` : ""],
  ];
  document.getElementById("tiles").replaceChildren(...tiles.map(([name, value, note]) => element("div", {},
    element("dt", { textContent: name }), element("dd", { textContent: value }), element("dd", { className: "note", textContent: note }))));
}

function makeCards() {
  const cards = CARDS.map(([name, title, note, , , isWide]) => {
    const card = element("section", { className: isWide ? "card wide" : "card", id: name },
      element("h2", { textContent: title }), element("p", { className: "note", textContent: note }), element("div", { className: "drawn" }));
    return card;
  });
  document.getElementById("charts").replaceChildren(...cards);
}

/** Which of the chosen filters the rows of a card cannot be told apart by. */
function unasked(cubes) {
  const has = (...columns) => cubes.every((name) => columns.some((column) => column in cubeOf(name)));
  const names = [["project", has("project")], ["model", has("model", "models", "session")]];
  return names.filter(([name, isAsked]) => state[name] !== null && !isAsked).map(([name]) => `all ${name}s`);
}

function showCards() {
  for (const [name, , note, needs, make] of CARDS) {
    const card = document.getElementById(name), place = card.querySelector(".drawn");
    const missing = needs.flatMap((cube) => data.missing[cube] ?? []);
    const width = Math.max(240, place.clientWidth);
    const drawn = missing.length ? null : make(width);
    const why = missing.length ? `The warehouse has no view ${missing.join(", ")} with the columns of this version. “extract rebuild” makes its views anew.` : "Nothing here for these filters.";
    place.replaceChildren(drawn ?? element("p", { className: "none", textContent: why }));
    if (name === "models" || name === "projects") card.querySelector(".note").textContent = `${measure()[1]}.`;
    else card.querySelector(".note").textContent = [note, ...(missing.length ? [] : unasked(needs)).map((words) => `(${words})`)].join(" ");
  }
}

function sessionRows() {
  const cube = cubeOf("sessions"), words = table.words.toLowerCase().split(/\s+/).filter(Boolean);
  const seen = new Set();
  const rows = chosen("sessions").filter((i) => {
    if (state.home === null && seen.has(cube.session[i])) return false;
    seen.add(cube.session[i]);
    const said = `${cube.title[i]} ${texts("project")[cube.project[i]] ?? ""} ${texts("session")[cube.session[i]]}`.toLowerCase();
    return words.every((word) => said.includes(word));
  });
  const value = table.sort === "project" ? (i) => texts("project")[cube.project[i]] ?? "" : (i) => cube[table.sort][i];
  return rows.sort((a, b) => (table.isAscending ? d3.ascending : d3.descending)(value(a), value(b)));
}

function cellOf(cube, i, name) {
  if (name === "title") {
    const cell = element("td", { className: "title", textContent: cube.title[i] || texts("session")[cube.session[i]], title: texts("session")[cube.session[i]] });
    if (texts("state")[cube.state[i]] === "expired") cell.append(" ", element("span", { className: "gone", textContent: "only here", title: "The home has this session no longer." }));
    return cell;
  }
  if (name === "project") {
    const button = element("button", { type: "button", textContent: projectName(cube.project[i]), title: texts("project")[cube.project[i]] ?? "" });
    button.addEventListener("click", () => {
      form.elements.project.value = String(cube.project[i]);
      changed();
    });
    return element("td", {}, button);
  }
  if (name === "started") return element("td", { className: "when", textContent: when(cube.started[i]) });
  const value = cube[name][i];
  const text = value === null ? "–" : name === "cost" ? money(value) : name === "active" ? timeSpan(value) : count(value);
  return element("td", { className: "number", textContent: text });
}

function showSessions() {
  const cube = cubeOf("sessions"), card = document.getElementById("sessions");
  const rows = sessionRows(), shown = rows.slice(0, table.shown);
  card.querySelector("tbody").replaceChildren(...shown.map((i) => element("tr", {}, ...COLUMNS.map(([name]) => cellOf(cube, i, name)))));
  document.getElementById("found").textContent = `${count(rows.length)} sessions${shown.length < rows.length ? `, ${count(shown.length)} shown` : ""}`;
  document.getElementById("more").hidden = shown.length === rows.length;
  card.querySelector("thead").replaceChildren(element("tr", {}, ...COLUMNS.map(([name, title]) => {
    const button = element("button", { type: "button", textContent: title + (table.sort === name ? (table.isAscending ? " ↑" : " ↓") : "") });
    button.addEventListener("click", () => {
      table.isAscending = table.sort === name ? !table.isAscending : TEXT_COLUMNS.includes(name) && name !== "started";
      table.sort = name;
      showSessions();
    });
    return element("th", { className: TEXT_COLUMNS.includes(name) ? "" : "number" }, button);
  })));
}

function showAll() {
  showTiles();
  showCards();
  showSessions();
  for (const button of form.querySelectorAll(".presets button")) {
    const days = button.dataset.days, from = days === "" || !span ? null : span[1] - Number(days) + 1;
    button.setAttribute("aria-pressed", String(state.to === null && state.from === from));
  }
}

function changed() {
  readForm();
  writeAddress();
  table.shown = 50;
  showAll();
}

function begin() {
  fillForm();
  readAddress();
  readForm();
  makeCards();
  document.getElementById("span").textContent = span ? `${dayText(instantOf(span[0]))} to ${dayText(instantOf(span[1]))}, days of ${data.zone}` : "Nothing with a date yet.";
  document.getElementById("about").textContent = `Made ${data.made_at} by extract ${data.version}. Costs are at list price; what has no price is not in them.`;
  showAll();
  form.addEventListener("change", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  window.addEventListener("hashchange", () => {
    form.reset();
    readAddress();
    changed();
  });
  document.getElementById("search").addEventListener("input", (event) => {
    table.words = event.target.value;
    table.shown = 50;
    showSessions();
  });
  document.getElementById("more").addEventListener("click", () => {
    table.shown += 200;
    showSessions();
  });
  let width = document.getElementById("charts").clientWidth;
  new ResizeObserver(() => {
    const now = document.getElementById("charts").clientWidth;
    if (now !== width) {
      width = now;
      requestAnimationFrame(showCards); // drawn at once, a chart could change the width within the same notice
    }
  }).observe(document.getElementById("charts"));
}

begin();
