// The attention tab: a text, how far the model has read it, then the views of that run. The server keeps the run; this
// page holds its name and what is being looked at.

import { announce, bus, h, memory, page, speaking, t } from "../dom.js";
import { Chooser } from "./chooser.js";
import { Entry, emptyScreen } from "./entry.js";
import { clearest, Explanation, titleOf } from "./explain.js";
import { Grid } from "./grid.js";
import { Heatmap } from "./heatmap.js";
import { NextWords } from "./next.js";
import { Reading } from "./reading.js";
import { Rows } from "./rows.js";
import { SecondLevel } from "./second.js";

export function mount(element, { trigger, watch, props, server: bare }) {
  const server = speaking(bare);
  const tab = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  let sequence = 0;
  let focus = null; // the word to begin with in an example
  let inspector = null;

  const entry = new Entry({
    onlook: (text, word) => {
      sequence += 1;
      focus = word;
      entry.wait({ phase: "reading" });
      trigger("look", { tab, sequence, text, language: page.language });
    },
    onstop: () => { sequence += 1; entry.wait(null); server.stop_look({ tab, sequence }); },
  });
  const empty = emptyScreen();
  const result = h("div", { class: "look-result" });
  const column = h("div", { class: "look-column" }, empty, entry.element, result);
  element.replaceChildren(h("div", { class: "look" }, h("div", { class: "look-scroll", tabindex: "-1" }, column)));

  const open = async (id, { quiet = false } = {}) => {
    const asked = sequence;
    const run = await server.open_run({ run: id });
    if (asked !== sequence) return;
    if (run.error) { if (!quiet) entry.refused(run.error); memory.set("look_run", null); return; }
    memory.set("look_run", id);
    entry.box.value ||= run.text;
    empty.hidden = true;
    entry.settle(true);
    inspector = new Inspector({ run, server, onproblem: (sentence) => entry.refused(sentence) });
    result.replaceChildren(inspector.element);
    inspector.start(focus);
  };

  watch("value", () => {
    const view = props.value;
    if (!view || view.tab !== tab || view.sequence !== sequence) return;
    if (view.phase !== "ended") { entry.wait(view); return; }
    entry.wait(null);
    if (view.refused) entry.refused(view.refused);
    else if (view.run && view.run !== inspector?.run.id) open(view.run);
  });

  const shown = () => element.offsetParent !== null || element.getClientRects().length > 0;
  bus.on("stop", () => { if (entry.busy && shown()) entry.onstop(); });
  // The list of chats stands beside every tab; what it opens is in the first one.
  for (const event of ["open-conversation", "new-chat"]) {
    bus.on(event, () => {
      if (!shown()) return;
      document.querySelector(".tab-container button[role=tab]")?.click();
      setTimeout(() => bus.emit("focus-composer"), 100);
    });
  }
  const last = memory.get("look_run");
  if (last) open(last, { quiet: true });
}

// All views of one run, and what they have in common: whose look, which word, which head.
class Inspector {
  constructor({ run, server, onproblem }) {
    Object.assign(this, { run, server, onproblem });
    this.rows = new Rows({ server, run, onproblem });
    this.overviews = new Map();
    this.chooser = new Chooser({ run, onchange: (choice) => this.choose(choice) });
    this.explanation = new Explanation({ onpick: (layer, head) => this.chooser.set({ layer, head }) });
    this.reading = new Reading({ rows: this.rows, choice: this.chooser.value, onpin: () => this.second.update() });
    this.heatmap = new Heatmap({ run, server, rows: this.rows, onproblem });
    this.grid = new Grid({ run, onpick: (layer, head) => this.pick(layer, head) });
    const next = new NextWords({ next: run.next, last: run.tokens.at(-1) });
    const heads = h("section", { class: "look-card look-heads" }, h("h2", {}, t("look_grid")), h("p", { class: "hint" }, t("look_grid_about")),
      this.grid.tools, h("div", { class: "look-grid-parts" }, this.grid.element, this.heatmap.element));
    this.second = new SecondLevel({ run, server, target: () => this.target(), onhead: (layer, head) => this.chooser.set({ layer, head }) });
    this.element = h("div", { class: "look-parts" },
      h("section", { class: "look-card look-stage-card" }, this.chooser.element, this.reading.element),
      this.reading.strongest, next.element, this.explanation.element, heads, this.second.element);
  }

  // What the second level is about: the chosen head, or one that is worth a look where an average is shown.
  target() {
    const { layer, head, hide_first } = this.chooser.value;
    const first = (layer ?? 0) * this.run.heads;
    const heads = this.grid.heads ?? [];
    const best = clearest(heads).find((index) => layer === null || Math.floor(index / this.run.heads) === layer) ?? first;
    const one = head === null ? best : first + head;
    return { layer: Math.floor(one / this.run.heads), head: one % this.run.heads, instead: head === null, hide_first, word: this.reading.asked };
  }

  // Begins with the word of an example, else with the last one.
  async start(focus) {
    const units = this.reading.units;
    const find = (matches) => (focus ? units.findLastIndex((text) => matches(text.trim().toLowerCase())) : -1);
    const exact = find((text) => text === focus.toLowerCase());
    const at = exact >= 0 ? exact : find((text) => text.includes(focus.toLowerCase())); // a token may hold several words
    this.explain();
    if (at >= 0) this.reading.pin(at, { quiet: true });
    else await this.reading.show(units.length - 1);
    announce(this.reading.line.textContent);
    this.reading.bring(at >= 0 ? at : units.length - 1);
    await this.drawGrid();
    await this.drawMap();
  }

  pick(layer, head) {
    this.chooser.set({ layer, head });
    // On a narrow screen the map stands above the pictures.
    if (matchMedia("(max-width: 800px)").matches) this.heatmap.element.scrollIntoView({ block: "start" });
  }

  choose(choice) {
    this.reading.setChoice(choice);
    this.grid.select(choice.layer, choice.head);
    this.drawMap();
    this.drawGrid();
    this.explain();
    this.second.update();
  }

  async drawMap() {
    const choice = this.chooser.value;
    await this.heatmap.setChoice(choice, titleOf(this.run, choice, this.label(choice)));
  }

  async drawGrid() {
    const hide_first = this.chooser.value.hide_first;
    if (this.drawn === hide_first) return;
    if (!this.overviews.has(hide_first)) this.overviews.set(hide_first, this.server.overview({ run: this.run.id, hide_first }));
    const overview = await this.overviews.get(hide_first);
    if (overview.error) { this.overviews.delete(hide_first); this.onproblem(overview.error); return; }
    if (hide_first !== this.chooser.value.hide_first) return;
    this.drawn = hide_first;
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
