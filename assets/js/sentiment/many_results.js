// What a judged table comes to: shares, groups, agreement with known labels, fitting, rows, the file to take away.

import { button, h, number, saveFile, t } from "../dom.js";
import { groupChart, legend, shareRows, stackedBar } from "./chart.js";
import { confusion, reliability } from "./chart_gold.js";
import { Fit } from "./many_fit.js";
import { Rows } from "./many_rows.js";
import { percent } from "./words.js";

export class Results {
  // `onopen(row)`, `onrefuse(sentence)`.
  constructor({ server, onopen, onrefuse }) {
    Object.assign(this, { server, onrefuse });
    this.bar = h("progress", { max: "1", "aria-label": t("se_progress") });
    this.line = h("p", { class: "many-line" });
    this.live = h("div", { class: "many-live" });
    this.working = h("section", { class: "many-card many-working", hidden: true }, this.bar, this.line, this.live);
    this.summary = h("section", { class: "many-card", hidden: true, tabindex: "-1", "aria-label": t("many_shares") });
    this.gold = h("section", { class: "many-card", hidden: true, "aria-label": t("many_agreement") });
    this.rows = new Rows({ server, onopen });
    this.fit = new Fit({ server, onrefuse, onfigures: (figures) => this.show(this.table, figures) });
    this.rows.element.hidden = true;
    this.element = h("div", { class: "many-results" }, this.working, this.summary, this.gold, this.fit.element, this.rows.element);
  }

  clear() {
    for (const one of [this.working, this.summary, this.gold, this.fit.element, this.rows.element]) one.hidden = true;
  }

  progress(view) {
    this.working.hidden = false;
    for (const one of [this.summary, this.gold, this.fit.element, this.rows.element]) one.hidden = true;
    if (view.phase === "reading" && view.total) this.bar.value = view.done / view.total;
    else this.bar.removeAttribute("value");
    this.line.textContent = lineOf(view);
    this.live.replaceChildren(...(view.done ? [stackedBar(view.labels, view.counts), legend(view.labels)] : []));
  }

  // `figures` are those of the whole table, or of what was judged of it.
  show(table, figures) {
    this.table = table;
    this.working.hidden = true;
    this.summary.hidden = false;
    this.rows.element.hidden = false;
    this.tellSummary(figures);
    this.tellGold(figures);
    this.fit.show(table, figures);
    this.rows.begin(table, figures);
  }

  tellSummary(figures) {
    const { labels, counts, groups } = figures;
    const facts = [t("many_facts", { count: number.format(figures.done), model: figures.model, seconds: number.format(Math.max(1, Math.round(figures.seconds))) }),
      ...(figures.done < figures.total ? [t("many_facts_left", { count: number.format(figures.total - figures.done) })] : []),
      ...(figures.unsure ? [t("many_facts_unsure", { count: number.format(figures.unsure) })] : []), ...(figures.errors ? [t("many_facts_errors", { count: number.format(figures.errors) })] : []), ...(figures.fit ? [t("many_facts_fit")] : [])];
    const save = button(t("many_save"), { iconName: "download", text: true, onclick: () => this.save(save) });
    this.summary.replaceChildren(h("div", { class: "many-head" }, h("h2", {}, t("many_shares")), save), shareRows(labels, counts, { onlabel: (index) => { this.rows.pick(`label:${index}`); this.rows.element.scrollIntoView({ block: "start" }); } }),
      h("p", { class: "hint" }, facts.join(" ")), ...(groups ? [groupChart(labels, groups)] : []));
  }

  tellGold({ gold, labels }) {
    this.gold.hidden = !gold;
    if (!gold) return;
    const title = h("h2", {}, t("many_agreement"));
    if (gold.refused) { this.gold.replaceChildren(title, h("p", { class: "many-note" }, gold.refused)); return; }
    const figure = (name, value) => h("div", { class: "many-number-card" }, h("strong", {}, value), h("span", {}, t(name)), h("small", {}, t(`${name}_about`)));
    const numbers = h("div", { class: "many-numbers" }, figure("many_accuracy", percent(gold.accuracy)), figure("many_macro_f1", gold.macro_f1.toFixed(2)), figure("many_calibration", gold.error.toFixed(3)));
    const lexicon = gold.lexicon ? [h("p", { class: "hint" }, t("many_lexicon", { accuracy: percent(gold.lexicon.accuracy), macro_f1: gold.lexicon.macro_f1.toFixed(2) }))] : [];
    this.gold.replaceChildren(title, h("p", { class: "hint" }, t("many_agreement_about", { count: number.format(gold.texts), column: gold.column })), numbers, ...lexicon,
      h("div", { class: "many-two" }, confusion(labels, gold.confusion, { oncell: (known, given) => this.rows.cell(known, given) }), reliability(gold.bins, gold.texts)));
  }

  async save(node) {
    node.disabled = true;
    const answer = await this.server.save_table({ table: this.table });
    node.disabled = false;
    if (answer.error) this.onrefuse(answer.error);
    else saveFile(answer.name, answer.content, "text/csv;charset=utf-8");
  }
}

// "312 of 1,000 · about 20 s left"
export function lineOf(view) {
  if (view.stopping) return t("many_stopping");
  if (view.phase === "opening" || view.phase === "starting") return t("se_opening", { detail: view.detail ?? "" });
  const done = t("many_progress", { done: number.format(view.done), total: number.format(view.total) });
  return view.remaining === null ? done : `${done} · ${t("many_left", { time: about(view.remaining) })}`;
}

// A guess is not told to the second.
function about(seconds) {
  if (seconds >= 90) return t("sm_minutes", { minutes: number.format(Math.round(seconds / 60)) });
  return t("sm_seconds", { seconds: number.format(seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5) });
}
