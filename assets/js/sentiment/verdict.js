// The big verdict: the likeliest label, a bar for each, and how the figures come about.

import { h, number, t } from "../dom.js";
import { labelName, percent, setName, tone, toneOf, verdictOf, verdictText } from "./words.js";

export class Verdict {
  // `onlabel(index)` when a bar is pressed: the words shall be coloured for that label.
  constructor({ onlabel }) {
    this.onlabel = onlabel;
    this.bar = h("progress", { max: "1", hidden: true, "aria-label": t("se_progress") });
    this.word = h("p", { class: "se-word", role: "heading", "aria-level": "2" });
    this.sub = h("p", { class: "se-sub" });
    this.bars = h("div", { class: "se-bars", role: "list", "aria-label": t("se_shares") });
    this.notes = h("div", { class: "se-notes" });
    this.line = h("span", { class: "se-line" });
    this.element = h("section", { class: "se-pane se-verdict", "aria-label": t("se_verdict") }, this.bar,
      h("div", { class: "se-body" }, this.word, this.sub, this.bars, this.notes), h("div", { class: "se-foot" }, this.line));
    this.clear();
  }

  clear() {
    this.view = null;
    this.word.className = "se-word blank";
    this.word.textContent = t("se_blank");
    this.sub.textContent = "";
    this.bars.replaceChildren();
    this.notes.replaceChildren();
    this.line.textContent = "";
  }

  begin() {
    this.clear();
    this.word.textContent = t("se_reading");
  }

  // `view` is a run's, whole or as far as it is known.
  show(view) {
    const names = view.labels.map(([name]) => name);
    const same = this.view?.overall && view.overall && String(this.view.overall.probabilities) === String(view.overall.probabilities);
    this.view = view;
    if (!view.overall) return;
    this.notes.replaceChildren(...this.remarks(view));
    if (same) return; // a bar that somebody is at stays
    const { probabilities } = view.overall;
    const { index, unsure, share } = verdictOf(probabilities, view.independent);
    this.word.className = `se-word ${unsure ? "" : toneOf(names[index])}`;
    this.word.textContent = unsure ? t("se_unsure") : labelName(names[index]);
    this.sub.textContent = unsure ? verdictText(probabilities, names) : t("se_share", { percent: percent(share) });
    this.bars.replaceChildren(...names.map((name, place) => this.row(name, probabilities[place], place, place === index)));
  }

  row(name, share, place, best) {
    const fill = h("span", { class: `se-fill ${toneOf(name) || tone(place)}`, style: `width: ${(100 * share).toFixed(1)}%` });
    return h("div", { role: "listitem" }, h("button", { type: "button", class: best ? "se-bar best" : "se-bar", "aria-pressed": "false", title: t("se_bar_tip", { label: labelName(name) }), onclick: () => this.onlabel(place) },
      h("span", { class: "se-bar-name" }, labelName(name)), h("span", { class: "se-track", "aria-hidden": "true" }, fill), h("span", { class: "se-bar-share" }, percent(share))));
  }

  // Which label the words are coloured for; null for the way from negative to positive.
  mark(index) {
    [...this.bars.querySelectorAll(".se-bar")].forEach((bar, place) => bar.setAttribute("aria-pressed", String(place === index)));
  }

  remarks(view) {
    const said = [];
    if (view.independent) said.push(t("se_independent"));
    if (view.by_sentences) said.push(t("se_by_sentences"));
    if (!view.classifier && view.overall.mass < 0.02) said.push(t("se_little_mass", { percent: percent(view.overall.mass) }));
    if (view.untrained) said.push(t("se_untrained", { model: view.model }));
    else if (view.text_language && view.calibration && !view.calibration.fitted_on && view.set === "sentiment") said.push(t("se_unfitted"));
    if (view.complete === false) said.push(t("se_incomplete"));
    if (view.reliable) said.push(t("se_reliable", { right: number.format(Math.round(100 * view.reliable.accuracy)), texts: number.format(view.reliable.texts), set: setName(view.reliable.set) }));
    if (view.skill) said.push(t("se_skill", { model: view.model, right: number.format(Math.round(100 * view.skill)) }));
    return said.map((text) => h("p", { class: "se-remark" }, text));
  }

  wait(view, line) {
    this.bar.hidden = !view;
    if (view?.total) this.bar.value = view.done / view.total;
    else this.bar.removeAttribute("value");
    this.line.textContent = line;
  }
}

export function progressLine(view) {
  if (view.stopping) return t("se_stopping");
  const values = { done: number.format(view.done ?? 0), total: number.format(view.total ?? 0) };
  if (view.phase === "opening") return t("se_opening", { detail: view.detail ?? "" });
  if (view.phase === "sentences" && view.total) return t("se_doing_sentences", values);
  if (view.phase === "words") return view.total ? t("se_doing_words", values) : t("se_doing_words_first");
  if (view.phase === "aspects") return t("se_doing_aspects");
  return t("se_reading");
}
