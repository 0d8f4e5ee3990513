// Draws the panel of a service from plain data (livecode/front/panel/plain.py). Hand-written, no build step.
//
//   model    shown    what there is to see; sent when it has changed
//            looked   when that was seen last, by the kernel's clock
//            said     what became of the last button
//            ended    why nothing is looked at any more
//   sends    {view, seen: "visible" | "hidden" | "gone"}      so that nobody looks at the service for nobody
//            {do, key, module, seen, digest}                   a button, pressed twice
//
// Text goes into the page as text. The one exception is `said.html`, which livecode/model/html.py has escaped.

const STILL_THERE_MS = 20_000;
const HIDDEN_STILL_THERE_MS = 60_000;
const SILENT_S = 12;
const ARMED_MS = 400;
const MANY_ROWS = 12;

const SPANS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

const COLUMNS = {
  workers: [
    { key: "name", label: "worker", code: true },
    { key: "state", label: "state", tone: "tone" },
    { key: "host", label: "host", wide: 1 },
    { key: "pid", label: "pid", code: true, number: true },
    { key: "python", label: "Python", code: true, wide: 2 },
    { key: "started", label: "up for", time: "span", wide: 1 },
    { key: "pushes", label: "pushes", number: true, wide: 3 },
    { key: "generation", label: "generation", number: true, wide: 2 },
  ],
  modules: [
    { key: "module", label: "module", code: true, strong: true },
    { key: "version", label: "version", code: true, sort: "number" },
    { key: "checksum", label: "checksum", code: true, dim: true, title: "digest", wide: 2 },
    { key: "on", label: "workers", wide: 1 },
    { key: "disk", label: "on disk", tone: "diskTone" },
    { key: "author", label: "author", wide: 2 },
    { key: "since", label: "since", time: "ago", wide: 1 },
    { key: "reason", label: "reason", wide: 3 },
  ],
  old: [
    { key: "function", label: "function", code: true, strong: true },
    { key: "count", label: "calls", number: true },
    { key: "module", label: "module", code: true },
    { key: "version", label: "still in", code: true },
    { key: "place", label: "where", code: true },
    { key: "on", label: "workers", wide: 1 },
  ],
  pushes: [
    { key: "generation", label: "#", code: true, number: true, dim: true },
    { key: "outcome", label: "outcome", tone: "tone" },
    { key: "what", label: "what", code: true },
    { key: "author", label: "author", wide: 1 },
    { key: "at", label: "when", time: "ago" },
    { key: "reason", label: "reason", wide: 2 },
  ],
  errors: [
    { key: "why", label: "error", code: true, bad: true },
    { key: "verdict", label: "verdict" },
    { key: "what", label: "module", code: true },
    { key: "worker", label: "worker", code: true },
    { key: "generation", label: "#", code: true, number: true, dim: true, wide: 2 },
    { key: "at", label: "when", time: "ago", wide: 1 },
  ],
};

const MARKS = { good: "✔", bad: "✖", warn: "!", calm: "○" };

/** A DOM node. Strings among the children become text. */
function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

/** `3 minutes`; empty below a second. */
function span(seconds) {
  for (const [size, name] of SPANS) {
    if (seconds >= size) {
      const count = Math.floor(seconds / size);
      return `${count} ${name}${count === 1 ? "" : "s"}`;
    }
  }
  return "";
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

class View {
  constructor(model, element) {
    this.model = model;
    this.name = Math.random().toString(36).slice(2);
    this.sorts = {};
    this.filters = {};
    this.closed = new Set();
    this.before = {};
    this.pending = null;
    this.waiting = null;
    this.answer = null;
    this.seen = "";
    this.inSight = true;
    this.skew = 0;
    this.heard = performance.now();
    this.root = h("section", { class: "livecode-panel" });
    this.style = h("style", {}, this.standIn());
    element.append(this.root);
    document.head.append(this.style);
    this.listen();
    this.noteTime();
    this.draw();
  }

  /** The table that stands for the panel where there is none is hidden while this one is there. */
  standIn() {
    const name = this.model.get("stand_in");
    return `.jp-OutputArea-child:has(> * .${name}),.${name}{display:none}`;
  }

  listen() {
    const draw = () => this.draw();
    this.handlers = { shown: draw, ended: draw, looked: () => this.noteTime(), said: () => this.hear() };
    for (const [trait, handler] of Object.entries(this.handlers)) this.model.on(`change:${trait}`, handler);
    this.sight = new IntersectionObserver((entries) => {
      this.inSight = entries[entries.length - 1].isIntersecting;
      this.sayWhetherSeen();
    });
    this.sight.observe(this.root);
    this.onVisibility = () => this.sayWhetherSeen();
    document.addEventListener("visibilitychange", this.onVisibility);
    this.clock = setInterval(() => this.tick(), 1000);
    this.sayWhetherSeen();
  }

  close() {
    clearInterval(this.clock);
    this.sight.disconnect();
    document.removeEventListener("visibilitychange", this.onVisibility);
    for (const [trait, handler] of Object.entries(this.handlers)) this.model.off(`change:${trait}`, handler);
    this.style.remove();
    this.send({ view: this.name, seen: "gone" });
  }

  send(message) {
    try {
      this.model.send(message);
    } catch {
      // the kernel is gone: the header says that there is no word from it
    }
  }

  // ── whether anybody looks ──────────────────────────────────────────────────────────────────────────────────

  sayWhetherSeen() {
    const seen = this.inSight && !document.hidden && this.root.isConnected ? "visible" : "hidden";
    const again = seen === "visible" ? STILL_THERE_MS : HIDDEN_STILL_THERE_MS;
    if (seen === this.seen && performance.now() - this.saidAt < again) return;
    this.seen = seen;
    this.saidAt = performance.now();
    this.send({ view: this.name, seen });
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  noteTime() {
    this.heard = performance.now();
    this.skew = this.model.get("looked") - Date.now() / 1000;
    this.tickHead();
  }

  now() {
    return Date.now() / 1000 + this.skew;
  }

  tick() {
    this.sayWhetherSeen();
    this.tickHead();
    for (const node of this.root.querySelectorAll("[data-time]")) {
      const text = this.timeText(Number(node.dataset.time), node.dataset.kind);
      if (node.textContent !== text) node.textContent = text;
    }
    this.tickCanary();
  }

  timeText(then, kind) {
    if (!then) return "";
    const passed = span(Math.max(this.now() - then, 0));
    if (kind === "span") return passed || "a moment";
    return passed ? `${passed} ago` : "just now";
  }

  tickHead() {
    const node = this.root.querySelector(".lp-pulse");
    if (!node) return;
    const [tone, text] = this.pulse();
    node.dataset.tone = tone;
    if (node.lastChild.textContent !== text) node.lastChild.textContent = text;
  }

  pulse() {
    const shown = this.model.get("shown");
    const silent = Math.floor((performance.now() - this.heard) / 1000);
    if (this.model.get("ended")) return ["calm", `stopped: ${this.model.get("ended")}`];
    if (this.seen === "visible" && silent > SILENT_S) return ["warn", `no word from the kernel for ${span(silent)}`];
    if (shown.away) return ["bad", "no contact: trying again"];
    return ["good", "live"];
  }

  tickCanary() {
    const bar = this.root.querySelector(".lp-progress");
    const canary = this.model.get("shown").canary;
    if (!bar || !canary) return;
    const passed = Math.min(Math.max(this.now() - canary.at, 0), canary.lasts);
    bar.firstChild.style.width = `${(100 * passed) / canary.lasts}%`;
    bar.setAttribute("aria-valuenow", Math.round((100 * passed) / canary.lasts));
    bar.nextSibling.textContent = `${Math.floor(passed)} of ${Math.round(canary.lasts)} s`;
  }

  // ── buttons ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A button that asks before it does anything: the second press, of another button, is what counts. */
  button(key, label, question, confirm, request, danger = false) {
    if (this.model.get("ended") || this.model.get("shown").away) return null;
    if (this.waiting) {
      const mine = this.waiting.button === key;
      return h("button", { class: "lp-button", disabled: true, type: "button", "data-key": key }, mine ? "working…" : label);
    }
    const press = () => {
      this.pending = { key, question, confirm, request, danger, armed: performance.now() + ARMED_MS };
      this.answer = null;
      this.draw();
      this.root.querySelector("[data-key='confirm']")?.focus();
    };
    const pressed = this.pending?.key === key;
    return h(
      "button",
      { class: "lp-button", type: "button", "data-key": key, "aria-expanded": String(pressed), onclick: press, title: question },
      label,
    );
  }

  confirmation() {
    if (!this.pending || this.model.get("ended") || this.model.get("shown").away) return null;
    const { key, question, confirm, request, danger, armed } = this.pending;
    const cancel = () => {
      this.pending = null;
      this.draw();
      this.root.querySelector(`[data-key='${CSS.escape(key)}']`)?.focus();
    };
    const go = () => {
      if (performance.now() < armed) return; // the same key press, repeated
      const name = `${this.name}-${Date.now()}`;
      this.waiting = { name, button: key };
      this.pending = null;
      this.send({ key: name, ...request });
      this.draw();
    };
    const escape = (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        cancel();
      }
    };
    return h(
      "div",
      { class: "lp-ask", role: "alertdialog", "aria-label": question, "data-tone": danger ? "bad" : "warn", onkeydown: escape },
      h("span", { class: "lp-question" }, question),
      h(
        "span",
        { class: "lp-answers" },
        h("button", { class: "lp-button lp-go", type: "button", "data-key": "confirm", onclick: go }, confirm),
        h("button", { class: "lp-button", type: "button", "data-key": "cancel", onclick: cancel }, "Cancel"),
      ),
    );
  }

  hear() {
    const said = this.model.get("said");
    if (this.waiting && this.waiting.name === said.key) {
      this.waiting = null;
    }
    this.answer = said;
    this.draw();
  }

  verdict() {
    const place = h("div", { class: "lp-said", role: "status", "aria-live": "polite" });
    if (this.waiting) place.append(h("div", { class: "lp-working" }, h("span", { class: "lp-spin" }), "working…"));
    else if (this.answer && this.answer.html) {
      const text = h("div", { class: "lp-verdict", "data-tone": this.answer.tone });
      const body = h("div", { class: "lp-verdict-body" });
      body.innerHTML = this.answer.html;
      const dismiss = () => {
        this.answer = null;
        this.draw();
      };
      text.append(body, h("button", { class: "lp-close", type: "button", "data-key": "dismiss", "aria-label": "Dismiss this answer", onclick: dismiss }, "×"));
      place.append(text);
    }
    return place;
  }

  // ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────

  draw() {
    const active = this.root.contains(document.activeElement) ? document.activeElement : null;
    const focused = active?.dataset.key;
    const typed = active?.matches(".lp-filter") ? active.selectionStart : null;
    const scrolled = [...this.root.querySelectorAll("[data-scroll]")].map((node) => [node.dataset.scroll, node.scrollTop, node.scrollLeft]);
    const shown = this.model.get("shown");
    this.root.setAttribute("aria-label", `livecode: ${shown.service}`);
    this.root.classList.toggle("lp-off", Boolean(this.model.get("ended") || shown.away));
    this.root.replaceChildren(...[
      this.head(shown),
      shown.away && !this.model.get("ended") ? h("div", { class: "lp-away", role: "alert" }, `${shown.away}. What is shown was seen before; it comes back by itself.`) : null,
      this.confirmation(),
      this.verdict(),
      shown.canary ? this.canary(shown.canary) : null,
      this.section("modules", "Modules", shown.modules, this.moduleButton, "no module was pushed, and none below a tracked folder is loaded"),
      shown.old.length ? this.section("old", "Still inside old code", shown.old) : null,
      this.section("workers", "Workers", shown.workers),
      shown.pushes.length ? this.section("pushes", "Last pushes", shown.pushes) : null,
      shown.errors.length ? this.section("errors", "Last errors", shown.errors) : null,
    ].filter(Boolean));
    for (const [name, top, left] of scrolled) {
      const node = this.root.querySelector(`[data-scroll='${name}']`);
      if (node) [node.scrollTop, node.scrollLeft] = [top, left];
    }
    if (focused) {
      const again = this.root.querySelector(`[data-key='${CSS.escape(focused)}']`);
      again?.focus({ preventScroll: true });
      if (typed !== null) again?.setSelectionRange(typed, typed);
    }
    this.tickHead();
    this.tickCanary();
  }

  head(shown) {
    const last = shown.last;
    const undo = last && this.button(
      "undo last",
      "Undo the last push",
      `Undo the last push (${last.what}) ${this.everywhere(shown)}?`,
      "Undo it",
      { do: "undo last", seen: last.generation },
    );
    return h(
      "header",
      { class: "lp-head" },
      h(
        "div",
        { class: "lp-title" },
        h("span", { class: "lp-name" }, shown.service),
        h("span", { class: "lp-pulse", role: "status" }, h("span", { class: "lp-dot", "aria-hidden": "true" }), h("span", {}, "")),
        h("span", { class: "lp-facts" }, shown.facts.join(" · ")),
      ),
      h("div", { class: "lp-row" }, h("ul", { class: "lp-chips", "aria-label": "in short" }, this.chips(shown)), h("span", { class: "lp-actions" }, undo)),
    );
  }

  everywhere(shown) {
    return shown.workers.length > 1 ? `on all ${shown.workers.length} workers` : "";
  }

  chips(shown) {
    const chip = (tone, number, text) => h("li", { class: "lp-chip", "data-tone": tone }, h("b", {}, String(number)), ` ${text}`);
    const inStep = shown.workers.filter((worker) => worker.tone === "good").length;
    const all = shown.workers.length;
    const unsaved = shown.modules.filter((module) => module.diskTone === "warn").length;
    const calls = shown.old.reduce((sum, row) => sum + row.count, 0);
    const names = new Set(shown.modules.map((row) => row.module)).size;
    return [
      chip(inStep === all ? "good" : "warn", `${inStep}/${all}`, "in step"),
      chip("calm", names, names === 1 ? "module" : "modules"),
      unsaved ? chip("warn", unsaved, unsaved === 1 ? "differs from disk" : "differ from disk") : null,
      calls ? chip("warn", calls, `${calls === 1 ? "call" : "calls"} in old code`) : null,
      shown.canary ? chip("warn", "◐", "canary") : null,
      shown.errors.length ? chip("bad", shown.errors.length, shown.errors.length === 1 ? "error" : "errors") : null,
    ];
  }

  moduleButton(row, shown) {
    if (!row.undo) return null;
    const name = `${row.module} ${row.version}`;
    return this.button(
      `undo ${row.module} ${row.number} ${row.digest}`,
      "Undo",
      `Undo ${name}: bring back what ran before ${this.everywhere(shown)}?`.replace(" ?", "?"),
      "Undo it",
      { do: "undo", module: row.module, seen: row.number, digest: row.digest },
    );
  }

  section(name, title, rows, action = null, empty = "") {
    const toggle = (event) => this.closed[event.target.open ? "delete" : "add"](name);
    return h(
      "details",
      { class: "lp-section", open: !this.closed.has(name), ontoggle: toggle },
      h("summary", { "data-key": `section ${name}` }, title, h("span", { class: "lp-count" }, String(rows.length))),
      rows.length
        ? [
            this.filter(name, title, rows),
            h("div", { class: "lp-scroll", tabindex: "0", role: "region", "aria-label": title, "data-scroll": name }, this.table(name, this.filtered(name, rows), action)),
          ]
        : h("div", { class: "lp-empty" }, empty),
    );
  }

  /** Where there are many rows: what they must say to be shown. */
  filter(name, title, rows) {
    if (rows.length <= MANY_ROWS) return null;
    const type = (event) => {
      this.filters[name] = event.target.value;
      this.draw();
    };
    return h("input", { class: "lp-filter", type: "search", placeholder: `filter ${title.toLowerCase()}`, "aria-label": `Filter ${title}`, "data-key": `filter ${name}`, value: this.filters[name] ?? "", oninput: type });
  }

  filtered(name, rows) {
    const wanted = rows.length > MANY_ROWS ? (this.filters[name] ?? "").trim().toLowerCase() : "";
    return wanted ? rows.filter((row) => Object.values(row).some((value) => String(value).toLowerCase().includes(wanted))) : rows;
  }

  table(name, rows, action) {
    const columns = COLUMNS[name].filter((column) => rows.some((row) => row[column.key] !== "" && row[column.key] !== 0) || column.always);
    const shown = this.model.get("shown");
    const sorted = this.sorted(name, rows, columns);
    const seen = new Set(this.before[name] ?? sorted.map(JSON.stringify));
    this.before[name] = sorted.map((row) => JSON.stringify(row));
    const body = sorted.map((row) => {
      const fresh = this.before[name].length && !seen.has(JSON.stringify(row));
      return h(
        "tr",
        { class: fresh ? "lp-fresh" : undefined },
        columns.map((column) => this.cell(row, column)),
        action ? h("td", { class: "lp-do" }, action.call(this, row, shown)) : null,
      );
    });
    return h(
      "table",
      {},
      h("thead", {}, h("tr", {}, columns.map((column) => this.header(name, column)), action ? h("th", { class: "lp-do" }, h("span", { class: "lp-hidden" }, "actions")) : null)),
      h("tbody", {}, body),
    );
  }

  header(name, column) {
    const sort = this.sorts[name];
    const mine = sort?.key === column.key;
    const direction = mine ? (sort.down ? "descending" : "ascending") : "none";
    const press = () => {
      if (mine && sort.down) delete this.sorts[name];
      else this.sorts[name] = { key: column.key, down: mine };
      this.draw();
    };
    return h(
      "th",
      { "aria-sort": direction, scope: "col", class: this.classes(column) },
      h("button", { type: "button", class: "lp-sort", "data-key": `sort ${name} ${column.key}`, onclick: press }, column.label, h("span", { class: "lp-arrow", "aria-hidden": "true" }, mine ? (sort.down ? "▾" : "▴") : "")),
    );
  }

  sorted(name, rows, columns) {
    const sort = this.sorts[name];
    const column = sort && columns.find((each) => each.key === sort.key);
    if (!column) return rows;
    const key = column.sort ?? column.key;
    const compare = (one, other) => (typeof one === "number" ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true }));
    const turn = sort.down ? -1 : 1;
    return [...rows].sort((one, other) => turn * compare(one[key], other[key]));
  }

  classes(column) {
    const names = [column.code && "lp-code", column.number && "lp-number", column.dim && "lp-dim", column.time && "lp-time", column.strong && "lp-strong", column.bad && "lp-bad", column.wide && `lp-wide${column.wide}`];
    return names.filter(Boolean).join(" ") || undefined;
  }

  cell(row, column) {
    const value = row[column.key];
    if (column.time) {
      return h("td", { class: this.classes(column) }, h("span", { "data-time": value, "data-kind": column.time }, this.timeText(value, column.time)));
    }
    const text = value === 0 && column.key === "generation" ? "" : String(value);
    if (column.tone && text) {
      const tone = row[column.tone];
      return h("td", { class: this.classes(column) }, h("span", { class: "lp-tone", "data-tone": tone }, h("span", { class: "lp-mark", "aria-hidden": "true" }, MARKS[tone] ?? ""), h("span", {}, text)));
    }
    const warn = column.key === "version" && row.differs;
    return h("td", { class: this.classes(column), title: column.title ? row[column.title] : undefined, "data-tone": warn ? "warn" : undefined }, text);
  }

  // ── a canary ───────────────────────────────────────────────────────────────────────────────────────────────

  canary(canary) {
    const seen = canary.began;
    const on = canary.workers.length === 1 ? canary.workers[0] : plural(canary.workers.length, "worker");
    const promote = this.button("promote", "Promote now", `Let ${canary.modules} go to all workers now, before its time is over?`, "Promote it", { do: "promote", seen });
    const back = this.button("take back", "Take back now", `Take ${canary.modules} back from ${on} now?`, "Take it back", { do: "take back", seen });
    return h(
      "section",
      { class: "lp-canary", "data-tone": canary.tone, "aria-label": "canary" },
      h(
        "div",
        { class: "lp-row" },
        h("span", { class: "lp-badge" }, "◐ CANARY"),
        h("span", { class: "lp-name" }, canary.modules),
        h("span", { class: "lp-facts" }, [`on ${on}`, canary.author, canary.reason].filter(Boolean).join(" · ")),
        h("span", { class: "lp-actions" }, promote, back),
      ),
      h(
        "div",
        { class: "lp-row lp-timing" },
        h("div", { class: "lp-progress", role: "progressbar", "aria-label": "time of the canary", "aria-valuemin": "0", "aria-valuemax": "100" }, h("div", {})),
        h("span", { class: "lp-facts" }, ""),
        h("span", { class: "lp-tone", "data-tone": canary.tone }, h("span", { class: "lp-mark", "aria-hidden": "true" }, MARKS[canary.tone]), h("span", {}, canary.said)),
      ),
      canary.why ? h("p", { class: "lp-note" }, canary.why) : null,
      canary.functions.length ? this.figures(canary.functions) : null,
      canary.notes.map((note) => h("p", { class: "lp-note" }, note)),
    );
  }

  figures(functions) {
    const most = Math.max(...functions.flatMap((each) => [...each.p50, ...each.p99].map((one) => one?.ms ?? 0)), 1e-9);
    const pair = ([fresh, old]) => h("td", { class: "lp-number" }, h("b", {}, fresh === null ? "–" : fresh.toLocaleString("en")), h("span", { class: "lp-was" }, old === null ? "new" : old.toLocaleString("en")));
    const bar = (latency, kind) => h("div", { class: `lp-bar ${kind}` }, h("i", { style: `width:calc((100% - 62px) * ${latency ? Math.max(0.02, latency.ms / most) : 0})` }), h("span", {}, latency ? latency.text : "–"));
    const bars = ([fresh, old]) => h("td", { class: "lp-bars" }, bar(fresh, "lp-new"), bar(old, "lp-old"));
    const head = ["function", "finding", "calls", "errors", "p50", "p99"];
    const counted = new Set(["calls", "errors"]);
    return h(
      "div",
      { class: "lp-scroll", tabindex: "0", role: "region", "aria-label": "figures of the canary", "data-scroll": "canary" },
      h(
        "table",
        {},
        h("caption", {}, h("span", { class: "lp-key lp-new" }, "new code"), h("span", { class: "lp-key lp-old" }, "old code")),
        h("thead", {}, h("tr", {}, head.map((each) => h("th", { scope: "col", class: counted.has(each) ? "lp-number" : undefined }, each)))),
        h("tbody", {}, functions.map((each) =>
          h("tr", {}, h("td", { class: "lp-code lp-strong" }, `${each.name}()`), h("td", {}, h("span", { class: "lp-tone", "data-tone": each.tone }, h("span", { class: "lp-mark", "aria-hidden": "true" }, MARKS[each.tone]), h("span", {}, each.finding))), pair(each.calls), pair(each.errors), bars(each.p50), bars(each.p99)))),
      ),
    );
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.close();
}

export default { render };
