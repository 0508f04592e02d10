// The text itself: point at a word and see what it reads from. Words come from strangers: text nodes only.

import { announce, h, isExpert, number, t } from "../dom.js";
import { Ahead } from "./ahead.js";
import { told } from "./direction.js";
import { asksForWord, chosenWord, markWritten } from "./parts.js";
import { percent, visible } from "./ramp.js";
import { strongest } from "./rows.js";

const MOST_ARCS_UNITS = 64;
const LINKS = 5;
const LARGE_TYPE_UNITS = 150;
const PART_WITH_ARCS = 0.7;

export class Reading {
  constructor({ rows, choice, onpin }) {
    Object.assign(this, { rows, choice, onpin });
    this.run = rows.run;
    this.pinned = this.row = null;
    this.lit = [];
    this.line = h("p", { class: "look-said" });
    this.text = h("div", { class: "look-text", dir: "auto", role: "group", "aria-label": t("look_text_label") });
    this.arcs = h("canvas", { class: "look-arcs", "aria-hidden": "true" });
    this.links = h("ol", { class: "look-links" });
    this.about = h("p", { class: "hint" });
    this.scale = h("output", {});
    this.frame = h("div", { class: "look-page" }, this.arcs, this.text);
    const legend = h("p", { class: "look-legend" }, t("look_scale_none"), h("span", { class: "ramp", "aria-hidden": "true" }), this.scale,
      h("span", { class: "look-read-by" }, t("look_read_by", { model: this.run.model, tokens: number.format(this.run.tokens.length) })));
    this.element = h("div", { class: "look-reading" }, this.line, this.frame, legend);
    this.strongest = h("section", { class: "look-card look-strongest" }, h("h2", {}, t("look_links")), this.about, this.links);
    this.ahead = new Ahead({ reading: this, frame: this.frame, text: this.text });
    this.text.addEventListener("pointerover", (event) => this.hover(event));
    this.text.addEventListener("pointerleave", () => this.rest());
    this.text.addEventListener("click", (event) => this.click(event));
    this.text.addEventListener("keydown", (event) => this.walk(event));
    new ResizeObserver(() => this.drawArcs()).observe(this.text);
    this.write();
  }

  // The spans of the text: words or tokens, as the choice says.
  write() {
    const { tokens, words } = this.run;
    this.units = this.choice.words ? words.map(([, , text]) => text) : tokens;
    // The blank before a word belongs to its first token; as a word it is coloured without.
    const parts = this.units.map((text) => (this.choice.words ? /^(\s*(?=\S))([^]*)$/.exec(text)?.slice(1) ?? ["", text] : ["", text]));
    const special = new Set(this.run.model_id || this.run.answer ? this.run.special : []);
    const first = (index) => (this.choice.words ? words[index][0] : index);
    this.spans = parts.map(([, text], index) => h("span", { class: special.has(first(index)) ? "unit special" : "unit", role: "button", tabindex: "-1", "data-index": String(index) }, text));
    this.lit = [];
    this.current = this.row = null;
    this.text.classList.toggle("pieces", !this.choice.words);
    this.text.classList.toggle("long", this.units.length > LARGE_TYPE_UNITS);
    this.text.replaceChildren(...parts.flatMap(([blank], index) => [blank, this.spans[index]]), ...chosenWord(this.run));
    markWritten(this.spans, this.spans.map((_, index) => first(index)), this.run);
    this.markFirst();
  }

  // The first token, or whatever attention rests on, is paler while its share is hidden.
  markFirst() {
    for (const token of this.run.resting) {
      const span = this.spans[this.unitAt(token)];
      span?.classList.toggle("resting", this.choice.hide_first);
      if (span) span.title = this.choice.hide_first ? told(this.run, "look_resting") : "";
    }
  }

  unitAt(token) { return this.choice.words ? this.run.words.findIndex(([first, last]) => token >= first && token < last) : token; }

  // Where to begin: the last word; where models look both ways it need not be the end of the text.
  get opening() {
    const last = this.units.length - 1;
    if (!this.run.both_ways) return last;
    const found = this.units.findLastIndex((text, index) => /[\p{L}\p{N}]/u.test(text) && !this.spans[index].classList.contains("special"));
    return found >= 0 ? found : last;
  }

  async setChoice(choice) {
    const rewrite = choice.words !== this.choice.words;
    const token = this.pinned !== null && this.choice.words ? this.run.words[this.pinned]?.[1] - 1 : this.pinned;
    this.choice = choice;
    if (rewrite) {
      this.write();
      this.pinned = token === null ? null : this.unitAt(token);
    }
    this.markFirst();
    await this.show(this.pinned ?? this.current ?? this.opening);
  }

  // The pinned unit, else the last one: its tokens from `first` to `end` (not included), and how it reads.
  get asked() {
    const unit = this.pinned ?? this.opening;
    const [first, end] = this.choice.words ? this.run.words[unit] : [unit, unit + 1];
    return { first, end, text: this.units[unit] };
  }

  unitOf(event) {
    const span = event.target.closest?.(".unit");
    return span ? Number(span.dataset.index) : null;
  }

  hover(event) {
    const unit = this.unitOf(event);
    if (unit === null || event.pointerType === "touch") return;
    if (this.pinned === null) this.show(unit);
    else if (this.row) this.tell(unit); // until then it is on its way
  }

  rest() {
    if (this.pinned !== null && this.row) this.say();
  }

  click(event) {
    const unit = this.unitOf(event);
    if (unit !== null) this.pin(unit === this.pinned ? null : unit, { unit });
  }

  walk(event) {
    if (event.key === "Escape" && this.pinned !== null) { event.stopPropagation(); this.pin(null, { unit: this.pinned }); return; }
    const from = this.unitOf(event);
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.click(event); return; }
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: this.units.length - 1 }[event.key]
      ?? this.beside(from, { ArrowDown: 1, ArrowUp: -1 }[event.key]);
    if (to === undefined || !this.spans[to]) return;
    event.preventDefault();
    this.pin(to, { unit: to });
    this.spans[to].focus({ preventScroll: true });
    this.bring(to);
  }

  // The word above or below: the nearest one of the next line.
  beside(from, direction) {
    if (!direction) return undefined;
    const start = this.spans[from].getBoundingClientRect();
    let best;
    for (let index = from + direction; this.spans[index]; index += direction) {
      const box = this.spans[index].getBoundingClientRect();
      if (Math.abs(box.top - start.top) < start.height / 2) continue;
      const distance = Math.abs(box.left - start.left) + 4 * Math.abs(box.top - start.top);
      if (best && distance > 4 * best.distance + 400) break;
      if (!best || distance < best.distance) best = { index, distance };
    }
    return best?.index;
  }

  pin(unit, { unit: at = unit, quiet = false } = {}) {
    this.pinned = unit;
    this.onpin();
    return this.show(at).then(() => { if (unit !== null && !quiet) announce(`${this.line.textContent} ${[...this.links.children].map((row) => row.textContent).join(", ")}`); });
  }

  // Scrolls the text, not the page, until a unit can be seen.
  bring(unit, { flash = false } = {}) {
    const span = this.spans[unit];
    if (!span) return;
    const [frame, box] = [this.frame.getBoundingClientRect(), span.getBoundingClientRect()];
    if (box.top < frame.top + 8 || box.bottom > frame.bottom - 8) this.frame.scrollTop += box.top - frame.top - frame.height / 2;
    if (!flash) return;
    span.classList.add("found");
    setTimeout(() => span.classList.remove("found"), 1200);
  }

  // Colours the text by what one unit reads from; what is asked for last wins.
  async show(unit) {
    this.wanted = unit;
    const choice = this.choice;
    const row = this.rows.row(choice, unit) ?? (await this.rows.soonest(choice, unit));
    if (!row || this.wanted !== unit || this.choice !== choice) return;
    this.spans[this.current]?.classList.remove("asking", "pinned");
    this.spans[this.current]?.setAttribute("tabindex", "-1");
    Object.assign(this, { current: unit, row });
    this.spans[unit].classList.add("asking");
    this.spans[unit].classList.toggle("pinned", unit === this.pinned);
    this.spans[unit].setAttribute("tabindex", "0");
    this.colour();
    this.say();
    this.list(row, 0);
    this.drawArcs();
    if (unit === this.pinned) this.sharpen(choice, unit);
    this.ahead.soon();
  }

  async sharpen(choice, unit) {
    const exact = await this.rows.exactRow(choice, unit);
    if (exact && this.current === unit && this.choice === choice) { this.row = exact; this.colour(); this.list(exact, 1); }
  }

  colour() {
    for (const index of this.lit) this.spans[index]?.style.removeProperty("--heat");
    const top = this.row.reduce((most, weight) => Math.max(most, weight), 0);
    this.lit = [];
    this.scale.textContent = t("look_scale_most", { percent: percent(top) });
    if (!top) return;
    for (let index = 0; index < this.row.length; index += 1) {
      const heat = this.row[index] / top;
      if (heat < 0.02) continue;
      this.spans[index].style.setProperty("--heat", heat.toFixed(2));
      this.lit.push(index);
    }
  }

  say() {
    const word = visible(this.units[this.current]);
    const last = this.current === this.units.length - 1;
    const taken = this.choice.value_weighted;
    const asked = last && asksForWord(this.run);
    if (asked) this.line.replaceChildren(...sentenceWith(t(taken ? "why_said_taken" : "why_said"), visible(this.run.answer.word)));
    else this.line.replaceChildren(...sentenceWith(told(this.run, taken ? "look_said_taken" : last ? "look_said_last" : "look_said"), word));
    this.about.replaceChildren(...sentenceWith(t(taken ? "look_links_taken" : "look_links_about"), word));
  }

  // While a word is pinned, pointing at another one tells how much of the look falls on it.
  tell(unit) {
    const digits = isExpert() ? 2 : 1;
    const later = unit > this.current && !this.row[unit] && !this.run.both_ways;
    const sentence = t(later ? "look_told_later" : this.choice.value_weighted ? "look_told_taken" : "look_told", { percent: percent(this.row[unit] ?? 0, digits) });
    this.line.replaceChildren(...sentenceWith(sentence, visible(this.units[this.current]), visible(this.units[unit])));
  }

  list(row, digits) {
    const places = strongest(row, LINKS);
    const rows = places.map((place) => h("li", {}, h("button", { type: "button", style: `--share:${row[place].toFixed(4)}`, onclick: () => this.bring(place, { flash: true }) },
      h("span", { class: "bar" }), h("span", { class: "word" }, visible(this.units[place])), h("span", { class: "share" }, percent(row[place], isExpert() ? 2 : digits)))));
    this.links.replaceChildren(...(rows.length ? rows : [h("li", { class: "none" }, t("look_nothing_left"))]));
  }

  drawArcs() {
    if (this.units.length > MOST_ARCS_UNITS) { this.arcs.width = this.arcs.height = 0; return; } // a canvas of pages would cost more than all the rest
    const box = this.text.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    this.arcs.width = Math.round(box.width * scale);
    this.arcs.height = Math.round(box.height * scale);
    if (!this.row || this.current === null || !box.width) return;
    const pen = this.arcs.getContext("2d");
    pen.scale(scale, scale);
    pen.strokeStyle = getComputedStyle(this.arcs).color;
    const spot = (index) => { const at = this.spans[index].getClientRects()[0]; return [at.left - box.left + at.width / 2, at.top - box.top + 4]; };
    const [toX, toY] = spot(this.current);
    let covered = 0;
    const total = this.row.reduce((sum, weight) => sum + weight, 0);
    for (const place of strongest(this.row, 8)) {
      if (covered > PART_WITH_ARCS * total) break;
      covered += this.row[place];
      if (place === this.current) continue;
      const [fromX, fromY] = spot(place);
      const rise = Math.min(fromY, toY) - Math.min(22, 8 + Math.abs(fromX - toX) / 14);
      pen.globalAlpha = 0.35 + 0.35 * (this.row[place] / total);
      pen.lineWidth = 1 + 1.5 * (this.row[place] / total);
      pen.beginPath();
      pen.moveTo(fromX, fromY);
      pen.bezierCurveTo(fromX, rise, toX, rise, toX, toY);
      pen.stroke();
    }
  }
}

// A sentence whose places "‹›" are filled with words of the text, set in bold.
export function sentenceWith(sentence, ...words) {
  return sentence.split("‹›").flatMap((part, index) => (index ? [h("b", {}, words[index - 1]), part] : [part]));
}
