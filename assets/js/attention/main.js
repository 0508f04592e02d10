// The attention tab: a text, how far the model has read it, then the views of that run. The server keeps the run; this
// page holds its name and what is being looked at.

import { announce, h, memory, page, speaking, t } from "../dom.js";
import { meetFrame, onHanded, pageName } from "../tabs.js";
import { Bar } from "./bar.js";
import { Chooser } from "./chooser.js";
import { Entry, emptyScreen } from "./entry.js";
import { clearest, Explanation, titleOf } from "./explain.js";
import { Grid } from "./grid.js";
import { Heatmap } from "./heatmap.js";
import { MaskedWord } from "./masked.js";
import { aboutOf, ModelChoice } from "./model.js";
import { NextWords } from "./next.js";
import { asksForWord } from "./parts.js";
import { Pair } from "./pair.js";
import { Reading } from "./reading.js";
import { Rows } from "./rows.js";
import { SecondLevel } from "./second.js";
import { restore, stateOf, savedOf } from "./state.js";
import { Tour } from "./tour.js";

export function mount(element, { trigger, watch, props, server: bare }) {
  const server = speaking(bare);
  const tab = pageName();
  let sequence = 0;
  let focus = null; // the word to begin with in an example
  let link = null; // the view to begin with, as an address names it
  let opened = 0; // the look whose run has been opened
  let inspector = null;

  const model = new ModelChoice({
    server, onlook: () => entry.press(),
    onchange: (kind) => { entry.offer(kind); empty.querySelector("p").textContent = aboutOf(kind); empty.querySelector(".look-tour-open").hidden = kind !== "chat"; },
  });
  const ask = (values) => {
    sequence += 1;
    entry.wait({ phase: "reading" });
    trigger("look", { tab, sequence, language: page.language, ...values });
  };
  const entry = new Entry({
    model,
    onlook: (text, word) => { focus = word; link = null; ask({ text, ...model.wish }); },
    onstop: () => { sequence += 1; entry.wait(null); server.stop_look({ tab, sequence }); },
    ontour: (opener) => tour.start(opener),
  });
  const empty = emptyScreen({ ontour: (opener) => tour.start(opener) });
  const result = h("div", { class: "look-result" });
  const present = (run) => {
    const inspect = (one) => new Inspector({ run: one, server, onproblem: problem });
    const views = run.kind === "cross" ? new Pair({ run, server, inspect, onproblem: problem, onedit: (text) => model.edit(text) }) : inspect(run);
    result.replaceChildren(views.element);
    return views;
  };
  const tour = new Tour({
    server, present,
    ask: (text) => { sequence += 1; trigger("look", { tab, sequence, text, guided: true, language: page.language }); },
    stop: () => { sequence += 1; server.stop_look({ tab, sequence }); },
    onbegin: () => { if (entry.busy) entry.onstop(); column.classList.add("touring"); },
    // What stood here before the tour comes back as it was.
    onend: () => { column.classList.remove("touring"); result.replaceChildren(...(inspector ? [inspector.element] : [])); },
  });
  const problem = (sentence) => (tour.active ? tour.refused(sentence) : entry.refused(sentence));
  const bar = new Bar({
    server, current: () => inspector,
    onentry: (id) => take({ entry: id }),
    onforgotten: (id) => { if (id === inspector?.run.id) clear(); },
  });
  const column = h("div", { class: "look-column" }, empty, entry.element, tour.element, bar.element, result);
  element.replaceChildren(h("div", { class: "look" }, h("div", { class: "look-scroll", tabindex: "-1" }, column)));

  const clear = () => {
    inspector = null;
    memory.set("look_run", null);
    result.replaceChildren();
    bar.show(null);
    empty.hidden = false;
    entry.settle(false);
  };
  const open = async (id, { quiet = false } = {}) => {
    const asked = sequence;
    const run = await server.open_run({ run: id, link });
    if (asked !== sequence) return;
    if (run.again && !quiet) { ask({ entry: id }); return; } // its numbers are gone, its text is not
    if (run.error && !quiet) entry.refused(run.error);
    if (run.error || run.again) { memory.set("look_run", null); return; }
    tour.end({ quiet: true });
    memory.set("look_run", id);
    // What the visitor has begun to write stays.
    if (!run.answer && ["", inspector?.run.text].includes(entry.box.value.trimEnd())) entry.box.value = run.text;
    model.adopt(run);
    empty.hidden = true;
    entry.settle(true);
    inspector = present(run);
    bar.show(run);
    // What was asked for from elsewhere comes into view; on a phone that is the text itself.
    const narrow = matchMedia("(max-width: 900px)").matches && inspector.element.querySelector(".look-reading");
    if (run.answer || run.state) (narrow || bar.element).scrollIntoView({ block: "start" });
    inspector.start(focus, run.state);
  };
  // What another tab, the list of earlier looks or an address asks for.
  const take = (task) => {
    tour.end({ quiet: true });
    if (entry.busy) entry.onstop();
    sequence += 1;
    focus = null;
    link = task.link ?? null;
    if (task.answer) ask({ answer: task.answer });
    else open(task.entry ?? new URLSearchParams(task.link).get("run") ?? "");
  };

  watch("value", () => {
    const view = props.value;
    if (!view || view.tab !== tab || view.sequence !== sequence) return;
    if (tour.active) { tour.hear(view); return; }
    if (view.phase !== "ended") { entry.wait(view); return; }
    entry.wait(null);
    if (view.refused) entry.refused(view.refused);
    else if (view.run && opened !== sequence) { opened = sequence; open(view.run); }
  });

  meetFrame(element, { onstop: () => { if (tour.active) tour.end(); else if (entry.busy) entry.onstop(); } });
  const last = memory.get("look_run");
  if (!onHanded("attention", take) && last) open(last, { quiet: true });
}

// All views of one run, and what they have in common: whose look, which word, which head.
class Inspector {
  constructor({ run, server, onproblem }) {
    Object.assign(this, { run, server, onproblem });
    this.rows = new Rows({ server, run, onproblem });
    this.overviews = new Map();
    this.chooser = new Chooser({ run, onchange: (choice) => this.choose(choice) });
    this.explanation = new Explanation({ onpick: (layer, head) => this.chooser.set({ layer, head }) });
    this.reading = new Reading({ rows: this.rows, choice: this.chooser.value, onpin: () => this.follow() });
    this.heatmap = new Heatmap({ run, server, rows: this.rows, onproblem });
    this.grid = new Grid({ run, onpick: (layer, head) => this.pick(layer, head) });
    const next = run.next ? new NextWords({ next: run.next, last: run.tokens.at(-1), chosen: asksForWord(run) ? run.answer.word : null }) : this.gap();
    const heads = h("section", { class: "look-card look-heads" }, h("h2", {}, t("look_grid")), h("p", { class: "hint" }, t("look_grid_about")),
      this.grid.tools, h("div", { class: "look-grid-parts" }, this.grid.element, this.heatmap.element));
    this.second = new SecondLevel({ run, server, target: () => this.target(), onhead: (layer, head) => this.chooser.set({ layer, head }) });
    this.element = h("div", { class: "look-parts" },
      h("section", { class: "look-card look-stage-card" }, this.chooser.element, this.reading.element),
      this.reading.strongest, next?.element, this.explanation.element, heads, this.second.element);
  }

  // Models that write no next word: some fill a gap instead. The parts of a translation model do neither.
  gap() {
    if (!["masked", "encoder", "classifier"].includes(this.run.kind)) return null;
    this.masked = new MaskedWord({ run: this.run, server: this.server, target: () => this.reading.asked });
    return this.masked;
  }

  // Another word or head is looked at.
  follow() {
    this.second.update();
    this.masked?.show();
  }

  // What the second level is about: the chosen head, or one that is worth a look where an average is shown.
  target() {
    const { layer, head, hide_first, value_weighted } = this.chooser.value;
    const first = (layer ?? 0) * this.run.heads;
    const heads = this.grid.heads ?? [];
    const best = clearest(heads).find((index) => layer === null || Math.floor(index / this.run.heads) === layer) ?? first;
    const one = head === null ? best : first + head;
    return { layer: Math.floor(one / this.run.heads), head: one % this.run.heads, instead: head === null, hide_first, value_weighted, word: this.reading.asked };
  }

  // Begins with the word of an example, else with the last one.
  async start(focus, state) {
    if (state) { await restore(this, state); return; }
    const units = this.reading.units;
    const find = (matches) => (focus ? units.findLastIndex((text) => matches(text.trim().toLowerCase())) : -1);
    const exact = find((text) => text === focus.toLowerCase());
    const found = exact >= 0 ? exact : find((text) => text.includes(focus.toLowerCase())); // a token may hold several words
    // Pinned too: a pointer that happens to rest on the text must not take the place of what was asked.
    const at = found < 0 && asksForWord(this.run) ? units.length - 1 : found;
    this.explain();
    if (at >= 0) this.reading.pin(at, { quiet: true });
    else await this.reading.show(this.reading.opening);
    this.masked?.show();
    announce(this.reading.line.textContent);
    this.reading.bring(at >= 0 ? at : this.reading.opening);
    await this.drawGrid();
    await this.drawMap();
  }

  // A view from outside: whose look, and the word that is pinned.
  async view(choice, unit) {
    this.reading.pinned = null;
    this.chooser.set(choice);
    await this.reading.pin(unit, { quiet: true });
    this.reading.bring(unit);
  }

  state() { return stateOf(this); }

  saved(what) { return savedOf(this, what); }

  pick(layer, head) {
    this.chooser.set({ layer, head });
    // On a narrow screen the map stands above the pictures.
    if (matchMedia("(max-width: 900px)").matches) this.heatmap.element.scrollIntoView({ block: "start" });
  }

  choose(choice) {
    this.reading.setChoice(choice);
    this.grid.select(choice.layer, choice.head);
    this.drawMap();
    this.drawGrid();
    this.explain();
    this.follow();
  }

  async drawMap() {
    const choice = this.chooser.value;
    await this.heatmap.setChoice(choice, titleOf(this.run, choice, this.label(choice)));
  }

  async drawGrid() {
    const asked = () => { const { hide_first, value_weighted, pool } = this.chooser.value; return { hide_first, value_weighted, pool }; };
    const key = JSON.stringify(asked());
    if (this.drawn === key) return;
    if (!this.overviews.has(key)) this.overviews.set(key, this.server.overview({ run: this.run.id, ...asked() }));
    const overview = await this.overviews.get(key);
    if (overview.error) { this.overviews.delete(key); this.onproblem(overview.error); return; }
    if (key !== JSON.stringify(asked())) return;
    this.drawn = key;
    this.grid.show(overview);
    this.explanation.suggest(overview.heads, this.run);
    this.grid.select(this.chooser.value.layer, this.chooser.value.head);
    this.explain();
    this.second.update();
  }

  label({ layer, head }) { return head === null ? undefined : this.grid.labelOf(layer, head); }

  explain() {
    const choice = this.chooser.value;
    this.explanation.show({ run: this.run, choice, label: this.label(choice) });
  }
}
