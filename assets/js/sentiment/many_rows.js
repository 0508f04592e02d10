// The rows of a judged table, a page at a time: filtered, searched, sorted.

import { button, h, number, t } from "../dom.js";
import { colourOf } from "./chart.js";
import { labelName, percent } from "./words.js";

const SEARCH_MS = 250;

export class Rows {
  // `onopen(row)` when a text shall be looked at closely.
  constructor({ server, onopen }) {
    Object.assign(this, { server, onopen, asked: 0, table: null });
    this.wish = { show: "all", sort: "row", label: null, gold: null, query: "", number: 0 };
    this.show = h("select", { "aria-label": t("many_show"), onchange: () => this.pick(this.show.value) });
    this.sort = h("select", { "aria-label": t("many_sort"), onchange: () => this.load({ sort: this.sort.value, number: 0 }) }, ["row", "sure", "unsure"].map((name) => h("option", { value: name }, t(`many_sort_${name}`))));
    this.query = h("input", { type: "search", placeholder: t("many_search"), "aria-label": t("many_search"), oninput: () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.load({ query: this.query.value, number: 0 }), SEARCH_MS); } });
    this.count = h("span", { class: "hint", role: "status" });
    this.clear = button(t("many_show_all"), { text: true, hidden: true, onclick: () => this.pick("all") });
    this.body = h("div", { class: "many-rows", role: "list", "aria-label": t("many_rows") });
    this.back = button(t("many_page_back"), { iconName: "left", onclick: () => this.turn(-1) });
    this.next = button(t("many_page_next"), { iconName: "right", onclick: () => this.turn(1) });
    this.place = h("span", { class: "hint" });
    this.pager = h("div", { class: "many-pager" }, this.back, this.place, this.next);
    this.element = h("section", { class: "many-card", "aria-label": t("many_rows") }, h("h2", {}, t("many_rows")),
      h("div", { class: "many-filters" }, this.show, this.sort, this.query), h("div", { class: "many-counted" }, this.count, this.clear), this.body, this.pager);
  }

  // `figures` are the table's; what was chosen before is kept where it still can be.
  begin(table, figures) {
    this.table = table;
    this.names = figures.labels;
    const labels = figures.labels.map((name, index) => [`label:${index}`, t("many_show_label", { label: labelName(name) })]);
    const kinds = [["all", t("many_show_all")], ...labels, ["unsure", t("many_show_unsure")], ...(figures.gold?.confusion ? [["wrong", t("many_show_wrong")]] : []), ...(figures.errors ? [["errors", t("many_show_errors")]] : [])];
    this.show.replaceChildren(...kinds.map(([value, text]) => h("option", { value }, text)));
    this.settle();
    this.load();
  }

  pick(value) {
    const [kind, index] = value.split(":");
    this.load(kind === "label" ? { show: "all", label: Number(index), gold: null, number: 0 } : { show: value, label: null, gold: null, number: 0 });
  }

  // Rows whose known label and whose given one are these.
  cell(known, given) {
    this.load({ show: "all", label: given, gold: known, number: 0 });
    this.element.scrollIntoView({ block: "start" });
    this.element.querySelector("select").focus({ preventScroll: true });
  }

  settle() {
    const { show, label, gold } = this.wish;
    const value = label !== null ? `label:${label}` : show;
    this.show.value = [...this.show.options].some((one) => one.value === value) ? value : "all";
    this.clear.hidden = show === "all" && label === null && gold === null;
  }

  async load(change = {}) {
    Object.assign(this.wish, change);
    this.settle();
    const ticket = (this.asked += 1);
    const answer = await this.server.table_rows({ table: this.table, ...this.wish });
    if (ticket !== this.asked) return;
    if (answer.error) { this.count.textContent = answer.error; return; }
    this.page = answer;
    this.body.replaceChildren(...answer.rows.map((row) => this.row(row)));
    const { gold, label } = this.wish;
    const told = { count: number.format(answer.total), ...(gold === null ? {} : { known: labelName(this.names[gold]), given: labelName(this.names[label]) }) };
    this.count.textContent = answer.total ? t(gold === null ? "many_count" : "many_count_cell", told) : t("many_none");
    this.pager.hidden = answer.pages < 2;
    this.place.textContent = t("many_page", { number: number.format(answer.number + 1), pages: number.format(answer.pages) });
    this.back.disabled = answer.number === 0;
    this.next.disabled = answer.number + 1 >= answer.pages;
  }

  async turn(step) {
    await this.load({ number: this.page.number + step });
    this.element.scrollIntoView({ block: "start" });
  }

  row(row) {
    const index = this.names.indexOf(row.label);
    const best = Math.max(0, ...row.probabilities);
    const wrong = row.gold !== null && row.label !== null && row.gold !== row.label;
    const verdict = row.error ? h("span", { class: "many-problem" }, row.error) : h("span", { class: "many-verdict" },
      h("i", { class: colourOf(row.label, index), "aria-hidden": "true" }), h("strong", {}, labelName(row.label)), h("span", {}, percent(best)), row.sure ? null : h("em", {}, t("se_unsure")));
    const known = row.gold === null ? null : h("span", { class: wrong ? "many-known wrong" : "many-known" }, t(wrong ? "many_known_wrong" : "many_known_right", { label: labelName(row.gold) }));
    const open = button(t("many_open"), { iconName: "eye", onclick: () => this.onopen(row.row) });
    open.hidden = Boolean(row.error);
    return h("div", { class: "many-row", role: "listitem" }, h("small", { class: "many-number" }, number.format(row.row + 1)),
      h("p", { dir: "auto" }, row.text, row.cut ? " …" : ""), h("div", { class: "many-side" }, verdict, known), open);
  }
}
