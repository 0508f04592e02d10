// The glossary: terms and how they shall read in the translation, and after a run whether they do.

import { button, h, memory, number, t } from "../dom.js";

const STORED = "translate_glossary";

export class Glossary {
  constructor({ onuse }) {
    this.rows = h("div", { class: "tr-terms" });
    this.count = h("span", { class: "tr-fold-note" });
    this.element = h("details", { class: "tr-fold" }, h("summary", {}, h("span", {}, t("tr_glossary")), this.count),
      h("p", { class: "hint" }, t("tr_glossary_about")), this.rows,
      button(t("tr_glossary_add"), { iconName: "plus", text: true, onclick: () => this.add().querySelector("input").focus() }));
    this.onuse = onuse;
    let kept = [];
    try { kept = JSON.parse(memory.get(STORED) ?? "[]"); } catch { /* somebody else's */ }
    for (const [term, translation] of kept) this.add(term, translation);
    if (!kept.length) this.add();
    this.tell();
  }

  get value() {
    return [...this.rows.children].map((row) => [...row.querySelectorAll("input")].map((input) => input.value.trim())).filter(([term]) => term);
  }

  add(term = "", translation = "") {
    const field = (label, value) => h("input", { type: "text", value, placeholder: label, "aria-label": label, maxLength: 200, dir: "auto", oninput: () => this.changed(row),
      onkeydown: (event) => { if (event.key === "Enter" && !event.isComposing) this.next(row); } });
    const row = h("div", { class: "tr-term" }, field(t("tr_term"), term), h("span", { "aria-hidden": "true" }, "→"), field(t("tr_term_translation"), translation),
      h("span", { class: "tr-term-use" }), button(t("tr_term_remove"), { iconName: "trash", onclick: () => this.remove(row) }));
    this.rows.append(row);
    return row;
  }

  next(row) { (row.nextElementSibling ?? this.add()).querySelector("input").focus(); }

  remove(row) {
    const near = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!this.rows.children.length) this.add();
    (near ?? this.rows.firstChild).querySelector("input").focus();
    this.changed();
  }

  changed(row) {
    row?.querySelector(".tr-term-use").replaceChildren();
    memory.set(STORED, this.value.length ? JSON.stringify(this.value) : null);
    this.tell();
  }

  tell() { this.count.textContent = this.value.length ? t("tr_glossary_count", { count: number.format(this.value.length) }) : ""; }

  // Of every term, in how many sentences it occurs and how often it was used.
  judge(run) {
    const uses = new Map();
    for (const sentence of run?.sentences ?? []) for (const [term, , used] of sentence?.terms ?? []) {
      const [places, right] = uses.get(term) ?? [0, 0];
      uses.set(term, [places + 1, right + Number(used)]);
    }
    let missed = 0;
    for (const row of this.rows.children) {
      const term = row.querySelector("input").value.trim();
      const place = row.querySelector(".tr-term-use");
      if (!run || !term || !run.glossary.some(([known]) => known === term)) { place.replaceChildren(); continue; }
      const [places, right] = uses.get(term) ?? [0, 0];
      missed += Number(places > right);
      place.className = places > right ? "tr-term-use missed" : "tr-term-use";
      place.textContent = !places ? t("tr_term_absent") : places === right ? t("tr_term_used") : t("tr_term_missed", { missed: number.format(places - right), places: number.format(places) });
    }
    this.tell();
    if (missed) this.count.textContent = t("tr_glossary_missed", { count: number.format(missed) });
  }
}
