// "Fit on my labels": what it would change, told by texts that nothing was learned from; done, and undone.

import { announce, button, h, number, t } from "../dom.js";
import { labelName, percent } from "./words.js";

const three = (value) => value.toFixed(3);

export class Fit {
  // `onfigures(figures)` when it has been done or undone, `onrefuse(sentence)`.
  constructor({ server, onfigures, onrefuse }) {
    Object.assign(this, { server, onfigures, onrefuse });
    this.element = h("section", { class: "many-card many-fit", hidden: true, "aria-label": t("many_fit") });
  }

  show(table, figures) {
    this.table = table;
    this.element.hidden = !figures.gold?.may_fit;
    if (this.element.hidden) return;
    const head = [h("h2", {}, t("many_fit")), h("p", { class: "hint" }, t("many_fit_about"))];
    if (figures.fit) {
      const { temperature, bias, rows } = figures.fit;
      const told = figures.labels.map((name, index) => `${labelName(name)} ${bias[index] >= 0 ? "+" : "−"}${Math.abs(bias[index]).toFixed(2)}`).join(", ");
      this.element.replaceChildren(...head, h("p", { class: "many-fitted" }, t("many_fitted", { rows: number.format(rows) })), h("p", { class: "hint expert-only" }, t("many_fit_numbers", { temperature: temperature.toFixed(2), bias: told })),
        h("div", { class: "row" }, button(t("many_fit_undo"), { text: true, onclick: () => this.act("undo_table_fit", "many_fit_undone") })));
      return;
    }
    this.element.replaceChildren(...head, h("div", { class: "row" }, button(t("many_fit_try"), { text: true, class: "primary", onclick: (event) => this.attempt(event.currentTarget, head) })));
  }

  async attempt(node, head) {
    node.disabled = true;
    const answer = await this.server.try_table_fit({ table: this.table });
    node.disabled = false;
    if (answer.error) { this.element.replaceChildren(...head, h("p", { class: "many-note" }, answer.error)); return; }
    const { before, after } = answer;
    const line = (name, how, value) => h("tr", {}, h("th", { scope: "row" }, t(name), h("small", {}, t(`${name}_about`))), h("td", {}, how(value(before))), h("td", { class: "after" }, how(value(after))));
    const table = h("table", { class: "many-before" }, h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, t("many_before")), h("th", { scope: "col" }, t("many_after")))),
      h("tbody", {}, line("many_accuracy", percent, (one) => one.accuracy), line("many_macro_f1", three, (one) => one.macro_f1), line("many_calibration", three, (one) => one.error)));
    const better = after.accuracy > before.accuracy + 0.004 || (after.accuracy >= before.accuracy - 0.004 && after.error < before.error - 0.004);
    const use = button(t("many_fit_use"), { text: true, class: "primary", onclick: () => this.act("keep_table_fit", "many_fit_done") });
    this.element.replaceChildren(...head, table, h("p", {}, t(better ? "many_fit_better" : "many_fit_no_better")), h("div", { class: "row" }, use));
    use.focus();
  }

  async act(name, said) {
    const figures = await this.server[name]({ table: this.table });
    if (figures.error) { this.onrefuse(figures.error); return; }
    announce(t(said));
    this.onfigures(figures);
  }
}
