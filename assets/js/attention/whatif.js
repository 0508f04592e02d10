// What if a part were switched off: the next words before and after. And what each layer would say on the way.

import { announce, h, number, t } from "../dom.js";
import { percent, visible } from "./ramp.js";
import { sentenceWith } from "./reading.js";

const SHOWN = 6;
const PARTS = ["head", "layer", "word"];

export class WhatIf {
  constructor({ run, server }) {
    Object.assign(this, { run, server });
    this.part = "head";
    this.waiting = false;
    this.tries = [];
    this.parts = h("div", { class: "segments what-parts", role: "radiogroup", "aria-label": t("what_part") });
    this.go = h("button", { type: "button", class: "b primary what-go", onclick: () => this.attempt() }, t("what_try"));
    this.note = h("p", { class: "hint", hidden: true });
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.said = h("p", { class: "look-said what-said" });
    this.rows = h("tbody", {});
    const head = h("thead", {}, h("tr", {}, ["word", "before", "after", "change"].map((name) => h("th", { scope: "col" }, t(`what_${name}`)))));
    this.output = h("output", { for: "what-temperature" });
    this.slider = h("input", { type: "range", id: "what-temperature", min: "0", step: "1" });
    this.slider.addEventListener("input", () => this.draw());
    this.history = h("div", { class: "what-tries", role: "radiogroup", "aria-label": t("what_tries") });
    this.result = h("div", { class: "what-result", hidden: true }, this.said, h("table", { class: "what-table" }, head, this.rows),
      h("div", { class: "slider" }, h("label", { for: "what-temperature" }, t("what_temperature"), this.output), this.slider), this.history);
    this.lens = h("div", { class: "what-lens" });
    this.element = h("div", { class: "what" }, h("div", { class: "row" }, h("span", {}, t("what_part")), this.parts, this.go), this.note, this.problem, this.result, this.lens);
  }

  show(target) {
    this.target = target;
    this.drawParts();
    if (this.begun) return;
    this.begun = true;
    this.loadLens();
    this.loadTries();
  }

  drawParts() {
    const { layer, head, word } = this.target;
    const labels = { head: t("look_grid_line", { layer: layer + 1, head: head + 1 }), layer: t("what_layer", { layer: layer + 1 }), word: t("what_token", { word: visible(word.text) }) };
    this.parts.replaceChildren(...PARTS.map((name) => h("button", { type: "button", role: "radio", "aria-checked": String(name === this.part),
      onclick: () => { this.part = name; this.drawParts(); } }, labels[name])));
    const unread = this.part === "word" && word.end === this.run.tokens.length; // nothing could change
    this.note.hidden = !unread;
    this.note.replaceChildren(...sentenceWith(t("what_last"), visible(word.text)));
    this.go.disabled = this.waiting || unread;
  }

  change() {
    const { layer, head, word } = this.target;
    if (this.part === "head") return { heads: [[layer, head]] };
    if (this.part === "layer") return { layers: [layer] };
    return { tokens: Array.from({ length: word.end - word.first }, (_, index) => word.first + index) };
  }

  async attempt() {
    this.waiting = true;
    this.go.textContent = t("what_wait");
    this.drawParts();
    const view = await this.server.experiment({ run: this.run.id, ...this.change() });
    this.waiting = false;
    this.go.textContent = t("what_try");
    this.drawParts();
    this.refuse(view.error);
    if (view.error) return;
    this.keep(view);
    this.open(view);
    announce(this.said.textContent);
  }

  refuse(sentence) {
    this.problem.hidden = !sentence;
    this.problem.textContent = sentence ?? "";
  }

  // The same change again takes the place of the older one.
  keep(view) {
    const name = JSON.stringify(view.edit);
    this.tries = [...this.tries.filter((one) => JSON.stringify(one.edit) !== name), view];
  }

  async loadTries() {
    const answer = await this.server.experiments({ run: this.run.id });
    if (answer.error || this.tries.length) return;
    answer.experiments.forEach((view) => this.keep(view));
    if (this.tries.length) this.open(this.tries.at(-1));
  }

  open(view) {
    const { temperatures } = view.odds;
    this.shown = view;
    if (this.result.hidden) {
      this.slider.max = String(temperatures.length - 1);
      this.slider.value = String(temperatures.findIndex((value) => value >= 1));
    }
    this.result.hidden = false;
    this.draw();
  }

  // What was switched off, in words.
  nameOf({ edit }) {
    const layers = new Set(edit.heads.map(([layer]) => layer));
    if (edit.tokens.length) return t("what_token_name", { word: visible(edit.tokens.map((token) => this.run.tokens[token]).join("")) });
    if (edit.heads.length === 1) return t("look_grid_line", { layer: edit.heads[0][0] + 1, head: edit.heads[0][1] + 1 });
    return t("what_layer", { layer: [...layers][0] + 1 });
  }

  // [text, before, after] at the temperature of the slider, the likelier of both first.
  chances({ odds }) {
    const step = Number(this.slider.value);
    const share = (logit, sum) => Math.exp(logit / odds.temperatures[step] - sum);
    return odds.tokens.map(([text, before, after]) => [visible(text), share(before, odds.log_sums_before[step]), share(after, odds.log_sums_after[step])])
      .sort((one, other) => Math.max(other[1], other[2]) - Math.max(one[1], one[2]));
  }

  draw() {
    const temperature = this.shown.odds.temperatures[Number(this.slider.value)];
    this.output.textContent = temperature.toFixed(1);
    this.slider.setAttribute("aria-valuetext", temperature.toFixed(1));
    const chances = this.chances(this.shown);
    this.said.replaceChildren(...story(this.nameOf(this.shown), chances));
    this.rows.replaceChildren(...chances.slice(0, SHOWN).map(([word, before, after]) => h("tr", {}, h("th", { scope: "row" }, word), cell(before), cell(after),
      h("td", { class: "what-change" }, points(after - before)))));
    this.history.hidden = this.tries.length < 2;
    this.history.replaceChildren(h("h3", {}, t("what_tries")), ...[...this.tries].reverse().map((view) => {
      const [word, before, after] = top(this.chances(view), 1);
      return h("button", { type: "button", class: "look-kind", "aria-checked": String(view === this.shown), role: "radio", onclick: () => this.open(view) },
        this.nameOf(view), h("span", { class: "share" }, `${word} ${percent(before)} → ${percent(after)}`));
    }));
  }

  async loadLens() {
    const view = await this.server.layer_guesses({ run: this.run.id });
    if (view.error) { this.begun = false; this.refuse(view.error); return; }
    const { layers } = view;
    const since = layers.findLastIndex((layer) => layer.answer_rank > 1) + 1;
    const answer = visible(view.answer);
    const sentence = since === 0 ? t("what_lens_always") : t("what_lens_since", { layer: since, rank: number.format(layers[0].answer_rank) });
    this.lens.replaceChildren(h("h3", {}, t("what_lens")), h("p", { class: "hint" }, t("what_lens_about")), h("p", { class: "look-said" }, sentenceWith(sentence, answer)),
      h("ol", { class: "look-links what-layers" }, layers.map(({ layer, guesses: [[text, share]] }) => h("li", { class: visible(text) === answer ? "answer" : "" },
        h("div", { style: `--share:${share.toFixed(4)}` }, h("span", { class: "bar" }), h("small", {}, layer ? t("look_layer_n", { number: layer }) : t("what_lens_start")),
          h("span", { class: "word" }, visible(text)), h("span", { class: "share" }, percent(share, share < 0.1 ? 1 : 0)))))));
  }
}

const top = (chances, side) => chances.reduce((most, one) => (one[side] > most[side] ? one : most));

const points = (difference) => `${difference > 0 ? "+" : ""}${(100 * difference).toFixed(1).replace("-", "−")}`;

const cell = (share) => h("td", {}, h("div", { class: "what-cell", style: `--share:${share.toFixed(4)}` }, h("span", { class: "bar" }), h("span", {}, percent(share, share < 0.1 ? 1 : 0))));

// What happened to the word that was likeliest, and which one is now.
function story(part, chances) {
  const [word, before, after] = top(chances, 1);
  const [now, , share] = top(chances, 2);
  const kind = Math.abs(after - before) < 0.005 ? "what_stays" : after < before ? "what_falls" : "what_rises";
  const sentence = sentenceWith(t(kind, { before: percent(before), after: percent(after) }), part, word);
  return now === word ? [...sentence, ` ${t("what_same")}`] : [...sentence, " ", ...sentenceWith(t("what_now", { share: percent(share) }), now)];
}
