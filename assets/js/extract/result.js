// The right pane: what was found, as a list of columns or as a table with a row for each thing. Every value can be
// pressed: where it stands, how it was found, and to change it.

import { button, h, t } from "../dom.js";
import { UNSURE, byRule, columnName, shownValue } from "./words.js";

const ADD = -1;

export class Result {
  // `onpoint(spans, bring)` for the places of the value that is pointed at, `onopen(place, node)` for a value or an empty
  // cell that is pressed; `place` is {row, column, index}, index -1 for a value to add. `onremove(row)`, `onaddrow()`.
  constructor({ onpoint, onopen, onremove, onaddrow, tools }) {
    Object.assign(this, { onpoint, onopen, onremove, onaddrow });
    this.bar = h("progress", { max: "1", hidden: true, "aria-label": t("ex_progress") });
    this.body = h("div", { class: "ex-body" });
    this.line = h("span", { class: "ex-line" });
    this.tools = h("div", { class: "ex-tools" }, ...tools);
    this.element = h("section", { class: "ex-pane ex-result", "aria-label": t("ex_result") }, this.bar, this.body, h("div", { class: "ex-foot" }, this.line, this.tools));
    this.body.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.point(event.target); });
    this.body.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.onpoint([]); });
    this.body.addEventListener("focusin", (event) => this.point(event.target));
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.clear();
  }

  clear() {
    this.table = null;
    this.nodes = [];
    this.body.replaceChildren(h("p", { class: "ex-blank" }, t("ex_blank")));
    this.line.textContent = "";
    this.tools.hidden = true;
  }

  begin(schema, preset) {
    this.clear();
    this.show({ schema, preset, rows: schema.rows ? [] : [schema.fields.map(() => [])] }, { growing: true });
  }

  // `growing`: there is more to come, and nothing to change yet.
  show(table, { growing = false } = {}) {
    const scroll = this.body.scrollTop;
    this.table = table;
    this.growing = growing;
    this.nodes = [];
    this.body.replaceChildren(table.schema.rows ? this.grid(table) : this.list(table));
    this.body.scrollTop = scroll;
    this.tools.hidden = growing;
    if (this.nodes[0]) this.nodes[0].tabIndex = 0;
  }

  nameOf(field) { return columnName(field, Boolean(this.table.preset)); }

  heading(field) {
    return [this.nameOf(field), byRule(field) ? h("small", { class: "ex-rule", title: t("ex_by_rule_about") }, t("ex_by_rule")) : null];
  }

  list(table) {
    return h("dl", { class: "ex-list" }, ...table.schema.fields.map((field, column) => h("div", {},
      h("dt", {}, ...this.heading(field)), h("dd", {}, ...this.cell(field, table.rows[0]?.[column] ?? [], { row: 0, column })))));
  }

  grid(table) {
    const { fields } = table.schema;
    const head = h("tr", {}, ...fields.map((field) => h("th", { scope: "col" }, ...this.heading(field))), this.growing ? null : h("td", { class: "ex-row-end" }));
    const rows = table.rows.map((cells, row) => h("tr", {},
      ...fields.map((field, column) => h(column ? "td" : "th", column ? { "data-label": this.nameOf(field) } : { scope: "row" }, ...this.cell(field, cells[column], { row, column }))),
      this.growing ? null : h("td", { class: "ex-row-end" }, button(t("ex_row_remove", { number: row + 1 }), { iconName: "close", onclick: () => this.onremove(row) }))));
    const none = rows.length || this.growing ? null : h("p", { class: "ex-blank" }, t("ex_no_rows"));
    return h("div", {}, h("table", { class: "ex-table" }, h("thead", {}, head), h("tbody", {}, ...rows)), none,
      this.growing ? h("div", { class: "ex-skeleton", "aria-hidden": "true" }, h("span"), h("span")) : button(t("ex_row_add"), { iconName: "plus", text: true, class: "ex-add-row", onclick: (event) => this.onaddrow(event.currentTarget) }));
  }

  cell(field, values, place) {
    const made = values.map((value, index) => this.value(field, value, { ...place, index }));
    if (this.growing) return made.length ? made : [h("span", { class: "ex-pending", "aria-hidden": "true" })];
    const add = { ...place, index: ADD };
    if (!values.length) return [this.node(h("button", { type: "button", class: "ex-missing", title: t("ex_missing_about"), "aria-haspopup": "dialog" }, t(this.table.cancelled && !byRule(field) ? "ex_not_looked" : "ex_missing")), add)];
    if (field.many) made.push(this.node(h("button", { type: "button", class: "ex-plus", "aria-label": t("ex_add_value", { column: this.nameOf(field) }), "aria-haspopup": "dialog" }, "+"), add));
    return made;
  }

  value(field, value, place) {
    const state = value.how === "none" ? "absent" : value.origin === "hand" ? "hand" : "";
    const unsure = value.origin === "model" && value.how !== "none" && value.sure !== null && value.sure < UNSURE;
    const times = t("ex_times", { count: value.spans.length });
    return this.node(h("button", { type: "button", class: `ex-value ${state}`, "aria-haspopup": "dialog" }, h("span", { dir: "auto" }, shownValue(field, value.text)),
      value.how === "none" ? h("small", {}, t("ex_absent")) : null,
      unsure ? h("small", { class: "ex-unsure", title: t("ex_unsure") }, t("ex_unsure_mark")) : null,
      value.spans.length > 1 ? h("small", { "aria-label": times, title: times }, `×${value.spans.length}`) : null), place);
  }

  node(node, place) {
    node.dataset.at = String(this.nodes.push(node) - 1);
    node.tabIndex = -1;
    node.place = place;
    node.addEventListener("click", () => { if (!this.growing) this.onopen(place, node); });
    return node;
  }

  valueOf({ row, column, index }) { return this.table?.rows[row]?.[column]?.[index] ?? null; }

  point(target) {
    const node = target.closest?.("[data-at]");
    const value = node ? this.valueOf(node.place) : null;
    this.onpoint(value ? value.spans : [], Boolean(value));
  }

  // Values that stand at a place of the text light up; the first one of them.
  light(offset) {
    let first = null;
    for (const node of this.nodes) {
      const value = this.valueOf(node.place);
      const lit = Boolean(value?.spans.some(([start, end]) => start <= offset && offset < end));
      node.classList.toggle("lit", lit);
      if (lit) first ??= node;
    }
    first?.scrollIntoView({ block: "nearest" });
    return first;
  }

  // One value is in the order of the Tab key; arrows walk from it.
  key(event) {
    const node = event.target.closest?.("[data-at]");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!node || !step) return;
    event.preventDefault();
    const next = this.nodes[Number(node.dataset.at) + step];
    if (!next) return;
    for (const one of this.nodes) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  }

  focus(place) {
    const near = (one) => one.place.row === place.row && one.place.column === place.column;
    (this.nodes.find((one) => near(one) && one.place.index === place.index) ?? this.nodes.find(near) ?? this.nodes[0])?.focus({ preventScroll: true });
  }

  wait(view, line) {
    this.bar.hidden = !view;
    if (!view) return;
    if (view.phase === "looking" && view.total) this.bar.value = view.done / view.total;
    else if (view.phase === "reading" && view.to_read) this.bar.value = view.read / view.to_read;
    else this.bar.removeAttribute("value");
    this.line.textContent = line;
  }
}
