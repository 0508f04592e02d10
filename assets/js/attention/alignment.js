// A translation and its source, one above the other: point at a word of either and see which words of the other one the
// model looked at. Below, the same as a map. Words come from strangers: text nodes only.

import { announce, h, isExpert, t } from "../dom.js";
import { Chooser } from "./chooser.js";
import { resting, titleOf, whose } from "./explain.js";
import { Grid } from "./grid.js";
import { Matrix } from "./matrix.js";
import { floatsOf, percent, visible } from "./ramp.js";
import { sentenceWith } from "./reading.js";
import { strongest } from "./rows.js";
import { SecondLevel } from "./second.js";
import { drawStrands } from "./strands.js";
import { momentField, translationCard } from "./translation.js";

const LINKS = 5;
const MOST_LINKED_UNITS = 80;
const PAIRS = 10;

export class Alignment {
  constructor({ run, server, onproblem, onedit }) {
    Object.assign(this, { run, server, onproblem });
    this.maps = new Map();
    this.moment = "";
    this.pinned = null; // ["source" or "target", unit]
    this.chooser = new Chooser({ run, onchange: () => this.choose() });
    this.chooser.element.append(momentField((moment) => { this.moment = moment; this.choose(); }));
    this.line = h("p", { class: "look-said" });
    this.panes = { source: this.pane("source"), target: this.pane("target") };
    this.links = h("canvas", { class: "look-arcs", "aria-hidden": "true" });
    this.body = h("div", { class: "align-texts" }, this.links, this.panes.source.element, this.panes.target.element);
    this.about = h("p", { class: "hint" });
    this.list = h("ol", { class: "look-links" });
    this.sentences = h("div", { class: "look-sentences" });
    this.title = h("h3", {});
    this.mapLine = h("p", { class: "look-said" });
    this.matrix = new Matrix({ onpoint: (row, column) => this.pointMap(row, column), onpick: (row, column) => this.tellMap(row, column) });
    this.top = h("table", { class: "look-table" });
    this.grid = new Grid({ run, onpick: (layer, head) => this.chooser.set({ layer, head }) });
    this.second = new SecondLevel({ run, server, target: () => this.target(), onhead: (layer, head) => this.chooser.set({ layer, head }) });
    this.element = h("div", { class: "look-parts align-parts" },
      h("section", { class: "look-card look-stage-card" }, this.chooser.element, this.line, this.body),
      h("section", { class: "look-card look-strongest" }, h("h2", {}, t("look_links")), this.about, this.list), translationCard(run, onedit),
      h("section", { class: "look-card look-explain" }, h("h2", {}, t("look_what")), this.sentences, h("p", { class: "look-caveat" }, t("look_caveat"))),
      this.mapCard(), this.second.element);
    new ResizeObserver(() => this.drawLinks()).observe(this.body);
  }

  pane(side) {
    const text = h("div", { class: "look-text", dir: "auto", role: "group", "aria-label": t(side === "source" ? "align_source_label" : "align_target_label") });
    const pane = { side, text, spans: [], element: h("div", { class: "align-pane" }, h("h3", {}, t(side === "source" ? "align_source" : "align_target")), text) };
    text.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch" && this.pinned === null) this.show(side, unitOf(event)); });
    text.addEventListener("pointerleave", () => this.rest());
    text.addEventListener("click", (event) => this.press(side, unitOf(event)));
    text.addEventListener("keydown", (event) => this.walk(pane, event));
    text.addEventListener("scroll", () => this.drawLinks());
    return pane;
  }

  mapCard() {
    const table = h("details", {}, h("summary", {}, t("look_strongest")), this.top);
    return h("section", { class: "look-card look-heads" }, h("h2", {}, t("align_map")), h("p", { class: "hint" }, t("align_map_about")),
      h("div", { class: "look-grid-parts" },
        h("div", { class: "look-heatmap align-heatmap" }, this.title, this.mapLine, this.matrix.element,
          h("p", { class: "look-legend" }, "0", h("span", { class: "ramp map", "aria-hidden": "true" }), "100 %"), table),
        h("div", { class: "align-heads" }, h("h3", {}, t("look_grid")), this.grid.element)));
  }

  // The words or tokens of either side, with the first token of each.
  units(side) {
    const { tokens, words } = side === "source" ? this.run.source : this.run;
    return this.chooser.value.words ? words.map(([first, end, text]) => ({ first, end, text })) : tokens.map((text, index) => ({ first: index, end: index + 1, text }));
  }

  get id() { return this.moment ? `${this.run.id}.${this.moment}` : this.run.id; }

  state() {
    const { layer, head, hide_first, words, value_weighted } = this.chooser.value;
    const at = (side) => (this.current?.[0] === side ? this.sides[side][this.current[1]].end - 1 : null);
    return { layer, head, hide_first, words, value_weighted, query: at("target"), key: at("source"), view: "alignment" };
  }

  // The looks of one word, or the whole map.
  saved(what) {
    const title = what === "map" ? this.title.textContent : this.line.textContent;
    return { ...this.chooser.value, title, query: this.current?.[0] === "target" ? this.current[1] : 0 };
  }

  // The view that an address names. The server has left out what the run does not have.
  async restore({ layer, head, query, key, hide_sink, words, value_weighted }) {
    this.chooser.set({ layer, head, hide_first: hide_sink && this.run.resting.length > 0, words, value_weighted });
    this.write();
    if (!(await this.load())) return;
    const [side, token] = query === null && key !== null ? ["source", key] : ["target", query ?? 0];
    const unit = this.sides[side].findIndex(({ first, end }) => token >= first && token < end);
    this.pinned = query === null && key === null ? null : [side, Math.max(0, unit)];
    this.show(side, Math.max(0, unit));
    this.drawGrid();
  }

  async start(focus, state) {
    this.write();
    if (state) { await this.restore(state); return; }
    await this.load();
    const wanted = focus ? this.sides.target.findIndex(({ text }) => text.trim().toLowerCase() === focus.toLowerCase()) : -1;
    this.show("target", Math.max(0, wanted));
    announce(this.line.textContent);
    this.drawGrid();
  }

  write() {
    const special = new Set(this.run.source.special);
    this.sides = { source: this.units("source"), target: this.units("target") };
    for (const { side, text } of Object.values(this.panes)) {
      const parts = this.sides[side].map((unit) => [...(this.chooser.value.words ? /^(\s*(?=\S))([^]*)$/.exec(unit.text)?.slice(1) ?? ["", unit.text] : ["", unit.text]), unit]);
      const spans = parts.map(([, word, unit], index) => h("span", { class: side === "source" && special.has(unit.first) ? "unit special" : "unit", role: "button", tabindex: index ? "-1" : "0", "data-index": String(index) }, word));
      this.panes[side].spans = spans;
      text.classList.toggle("pieces", !this.chooser.value.words);
      text.classList.toggle("long", spans.length > 60);
      text.replaceChildren(...parts.flatMap(([blank], index) => [blank, spans[index]]));
    }
    this.pinned = this.current = null;
    this.words = this.chooser.value.words;
  }

  async choose() {
    const token = this.current && this.sides[this.current[0]][this.current[1]].first;
    const [side, unit] = this.current ?? ["target", 0];
    const rewritten = this.words !== this.chooser.value.words;
    if (rewritten) this.write();
    const { layer, head } = this.chooser.value;
    this.grid.select(layer, head);
    this.second.update();
    if (!(await this.load())) return;
    this.show(side, rewritten ? Math.max(0, this.sides[side].findIndex(({ first, end }) => token >= first && token < end)) : unit);
    this.drawGrid();
  }

  // The whole map of the choice; what is asked for last wins.
  async load() {
    const { layer, head, hide_first, words, value_weighted } = this.chooser.value;
    const question = { run: this.id, layer, head, hide_first, words, value_weighted };
    const key = (this.asked = JSON.stringify(question));
    if (!this.maps.has(key)) this.maps.set(key, this.server.alignment(question));
    const answer = await this.maps.get(key);
    if (answer.error) { this.maps.delete(key); if (key === this.asked) this.onproblem(answer.error); return false; }
    if (key !== this.asked) return false;
    this.map = { rows: answer.rows, columns: answer.columns, weights: floatsOf(answer.data) };
    const texts = (side) => this.sides[side].map(({ text }) => text);
    this.matrix.show({ rows: texts("target"), columns: texts("source"), weights: this.map.weights });
    this.title.textContent = titleOf(this.run, this.chooser.value);
    this.mapLine.textContent = t("align_map_hint");
    this.drawTable();
    this.explain();
    return true;
  }

  async drawGrid() {
    const { hide_first, value_weighted } = this.chooser.value;
    const key = `${hide_first}/${value_weighted}/${this.moment}`;
    if (this.drawn === key) return;
    this.drawn = key;
    const answer = await this.server.overview({ run: this.id, hide_first, value_weighted });
    if (this.drawn !== key) return;
    if (answer.error) { this.drawn = null; this.onproblem(answer.error); return; }
    this.grid.show(answer);
    this.grid.select(this.chooser.value.layer, this.chooser.value.head);
    this.second.update();
  }

  // What one unit of a side has to do with each of the other side, float by unit.
  weightsOf(side, unit) {
    const { rows, columns, weights } = this.map;
    if (side === "target") return weights.subarray(unit * columns, (unit + 1) * columns);
    return Float32Array.from({ length: rows }, (_, row) => weights[row * columns + unit]);
  }

  press(side, unit) {
    if (unit === null) return;
    const same = this.pinned?.[0] === side && this.pinned[1] === unit;
    this.pinned = same ? null : [side, unit];
    this.show(side, unit);
    this.second.update();
    if (!same) announce(`${this.line.textContent} ${[...this.list.children].map((row) => row.textContent).join(", ")}`);
  }

  rest() { if (this.pinned !== null) this.show(...this.pinned); }

  walk(pane, event) {
    if (event.key === "Escape" && this.pinned !== null) { event.stopPropagation(); this.press(...this.pinned); return; }
    const from = unitOf(event);
    if (from === null) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.press(pane.side, from); return; }
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: pane.spans.length - 1 }[event.key];
    const over = { ArrowDown: "target", ArrowUp: "source" }[event.key];
    if (over && over !== pane.side) {
      event.preventDefault();
      const best = this.map ? strongest(this.weightsOf(pane.side, from), 1)[0] ?? 0 : 0;
      this.pinned = null;
      this.press(over, best);
      this.panes[over].spans[best]?.focus({ preventScroll: true });
    } else if (to !== undefined && pane.spans[to]) {
      event.preventDefault();
      this.pinned = null;
      this.press(pane.side, to);
      pane.spans[to].focus({ preventScroll: true });
    }
  }

  show(side, unit) {
    if (unit === null || !this.map || !this.panes[side].spans[unit]) return;
    const other = side === "source" ? "target" : "source";
    const weights = this.weightsOf(side, unit);
    this.current = [side, unit];
    for (const pane of Object.values(this.panes)) {
      pane.spans.forEach((span, index) => {
        const asking = pane.side === side && index === unit;
        span.classList.toggle("asking", asking);
        span.classList.toggle("pinned", asking && this.pinned !== null && this.pinned[1] === index && this.pinned[0] === side);
        if (pane.side === side) span.setAttribute("tabindex", asking ? "0" : "-1");
        span.style.removeProperty("--heat");
      });
    }
    const top = weights.reduce((most, weight) => Math.max(most, weight), 0);
    if (top) weights.forEach((weight, index) => { if (weight / top >= 0.02) this.panes[other].spans[index].style.setProperty("--heat", (weight / top).toFixed(2)); });
    this.tell(side, unit, weights);
    this.bring(side, unit);
    this.drawLinks();
    this.matrix.mark(side === "target" ? unit : null, side === "source" ? unit : null);
  }

  // Scrolls a long text, not the page, until a unit can be seen.
  bring(side, unit) {
    const { text, spans } = this.panes[side];
    const [frame, box] = [text.getBoundingClientRect(), spans[unit].getBoundingClientRect()];
    if (box.top < frame.top || box.bottom > frame.bottom) text.scrollTop += box.top - frame.top - frame.height / 2;
  }

  tell(side, unit, weights) {
    const word = visible(this.sides[side][unit].text);
    const other = side === "source" ? "target" : "source";
    this.line.replaceChildren(...sentenceWith(t(side === "source" ? "align_said_source" : this.moment ? "align_said_read" : "align_said_written"), word));
    this.about.replaceChildren(...sentenceWith(t(side === "source" ? "align_links_source" : "align_links_target"), word));
    const rows = strongest(weights, LINKS).map((place) => h("li", {}, h("button", { type: "button", style: `--share:${weights[place].toFixed(4)}`, onclick: () => this.press(other, place) },
      h("span", { class: "bar" }), h("span", { class: "word" }, visible(this.sides[other][place].text)), h("span", { class: "share" }, percent(weights[place], isExpert() ? 2 : 1)))));
    this.list.replaceChildren(...(rows.length ? rows : [h("li", { class: "none" }, t("align_nothing"))]));
  }

  pointMap(row, column) {
    if (row === null) { this.mapLine.textContent = t("align_map_hint"); this.rest(); return; }
    if (this.pinned === null) this.show("target", row);
    this.matrix.mark(row, column);
    this.tellMap(row, column, { quiet: true });
  }

  tellMap(row, column, { quiet = false } = {}) {
    const sentence = t("look_told", { percent: percent(this.matrix.weight(row, column), 2) });
    this.mapLine.replaceChildren(...sentenceWith(sentence, visible(this.sides.target[row].text), visible(this.sides.source[column].text)));
    if (!quiet) announce(this.mapLine.textContent);
  }

  drawTable() {
    const { columns, weights } = this.map;
    const name = (side, index) => `${visible(this.sides[side][index].text)} (${index + 1})`;
    this.top.replaceChildren(h("thead", {}, h("tr", {}, h("th", {}, t("look_reader")), h("th", {}, t("look_read")), h("th", {}, t("look_weight")))),
      h("tbody", {}, strongest(weights, PAIRS).map((place) => h("tr", {}, h("td", {}, name("target", Math.floor(place / columns))), h("td", {}, name("source", place % columns)), h("td", {}, percent(weights[place], 2))))));
  }

  explain() {
    const choice = this.chooser.value;
    const sentences = [t("align_explain"), t(this.moment ? "align_explain_read" : "align_explain_written"), whose(this.run, choice), choice.value_weighted ? t("look_explain_values") : resting(this.run, choice)].filter(Boolean);
    this.sentences.replaceChildren(...sentences.map((sentence) => h("p", {}, sentence)));
  }

  // What the second level is about: the chosen head or the first one, and a word of the translation.
  target() {
    const { layer, head, hide_first, value_weighted } = this.chooser.value;
    const unit = this.current?.[0] === "target" ? this.current[1] : 0;
    return { layer: layer ?? this.run.layers - 1, head: head ?? 0, instead: head === null, hide_first, value_weighted, word: this.sides.target[unit] };
  }

  // Lines from the word that is asked about to those of the other text.
  drawLinks() {
    const small = this.current && this.sides.source.length + this.sides.target.length <= MOST_LINKED_UNITS;
    if (!this.map || !small) { drawStrands(this.links, this.body, []); return; }
    const [side, unit] = this.current;
    const weights = this.weightsOf(side, unit);
    const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
    const span = (name, own) => this.panes[name].spans[name === side ? unit : own];
    drawStrands(this.links, this.body, strongest(weights, LINKS).map((place) => ({ from: span("source", place), to: span("target", place), part: weights[place] / total })));
  }
}

function unitOf(event) {
  const span = event.target.closest?.(".unit");
  return span ? Number(span.dataset.index) : null;
}
