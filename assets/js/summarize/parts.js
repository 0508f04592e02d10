// The parts of a long text and what was written about each: rows that open, and light up their part of the text.

import { beginning, h, icon, number, t } from "../dom.js";

export class Parts {
  // `onpart(spans)` hears which stretches of the text a row stands for.
  constructor({ onpart }) {
    this.onpart = onpart;
    this.list = h("div", { class: "sm-part-list" });
    this.element = h("section", { class: "sm-section", hidden: true, "aria-label": t("sm_parts_title") }, h("h2", {}, t("sm_parts_title")), h("p", { class: "hint" }, t("sm_parts_about")), this.list);
  }

  clear() {
    this.parts = [];
    this.notes = new Map();
    this.rows = new Map();
    this.list.replaceChildren();
    this.element.hidden = true;
  }

  // All parts, before anything is written about them.
  begin(parts, text) {
    this.clear();
    if (parts.length < 2) return;
    this.parts = parts;
    this.text = text;
    this.element.hidden = false;
    this.list.replaceChildren(...parts.map((part) => this.row({ spans: [part], text: "", children: [] })));
  }

  // Something was written about a part.
  note(node) {
    this.notes.set(node.spans[0]?.[0], node);
    const row = this.rows.get(node.spans[0]?.[0]);
    if (!row) return;
    const next = this.row(node, row.getAttribute("open") !== null);
    row.replaceWith(next);
  }

  get read() { return [...this.notes.values()].flatMap((node) => node.spans); }

  // The tree as it was put together.
  finish(tree) { this.list.replaceChildren(...tree.map((node) => this.row(node))); }

  number(spans) {
    const numbers = spans.map(([start]) => this.parts.findIndex((part) => part[0] === start)).filter((index) => index >= 0);
    const [first, last] = [Math.min(...numbers) + 1, Math.max(...numbers) + 1];
    return first === last ? t("sm_part", { number: number.format(first) }) : t("sm_parts_together", { first: number.format(first), last: number.format(last) });
  }

  row(node, open = false) {
    const [[start, end]] = node.spans;
    const about = node.children.length ? "" : beginning(this.text.slice(start, Math.min(end, start + 400)), 60);
    const title = h("summary", {}, node.text ? icon("check") : h("span", { class: "sm-undone" }), h("strong", {}, this.number(node.spans)), h("span", { class: "sm-part-text", dir: "auto" }, about));
    const said = node.text || t(node.reason === "cancelled" ? "sm_part_stopped" : "sm_part_waiting");
    const row = h("details", { class: node.text ? "sm-part" : "sm-part undone", open }, title,
      h("div", { class: "sm-part-note" }, h("p", { dir: "auto" }, said),
        node.origin === "extract" && node.text ? h("p", { class: "hint" }, t("sm_part_extract")) : null,
        node.shortened ? h("p", { class: "hint" }, t("sm_part_shortened")) : null,
        ...node.children.map((child) => this.row(child))));
    row.addEventListener("toggle", (event) => { if (event.target === row) this.onpart(row.open ? node.spans : []); });
    if (!node.children.length) this.rows.set(start, row);
    return row;
  }
}
