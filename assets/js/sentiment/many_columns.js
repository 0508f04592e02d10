// A table before it is judged: its first rows, and what its columns are.

import { button, h, number, t } from "../dom.js";

export class Columns {
  // `onjudge()`, `onheader(has)`, `onother()` for another table, `onset()` when a column for comparing or grouping is
  // chosen for a table that has been judged.
  constructor({ onjudge, onheader, onother, onset }) {
    Object.assign(this, { onjudge, onheader, onother, onset });
    this.view = null;
    this.title = h("strong", { dir: "auto" });
    this.about = h("span", { class: "hint" });
    this.notes = h("div", { class: "many-notes" });
    this.preview = h("div", { class: "many-wide", tabindex: "0", role: "region", "aria-label": t("many_preview") });
    this.selects = { text: h("select", {}), gold: h("select", {}), group: h("select", {}) };
    this.selects.text.addEventListener("change", () => { this.mark(); this.wait("ready"); });
    for (const name of ["gold", "group"]) this.selects[name].addEventListener("change", () => { this.mark(); this.onset(); });
    this.header = h("input", { type: "checkbox", onchange: () => this.onheader(this.header.checked) });
    this.sides = h("input", { type: "checkbox", onchange: () => this.wait("ready") });
    this.sidesLine = h("label", { class: "many-check many-sides" }, this.sides, h("span", {}, t("many_sides")));
    this.go = button(t("many_judge", { count: "" }), { text: true, class: "primary many-go", onclick: () => this.onjudge() });
    this.other = button(t("many_other"), { iconName: "upload", text: true, onclick: () => this.onother() });
    const field = (name) => h("label", { class: "many-field" }, h("span", {}, t(`many_column_${name}`)), this.selects[name], h("small", {}, t(`many_column_${name}_about`)));
    this.element = h("section", { class: "many-card many-columns-card", hidden: true }, h("div", { class: "many-head" }, h("div", {}, this.title, this.about), this.other),
      this.notes, this.preview, h("div", { class: "many-fields" }, Object.keys(this.selects).map(field)),
      this.sidesLine, h("div", { class: "many-under" }, h("label", { class: "many-check" }, this.header, h("span", {}, t("many_header"))), this.go));
  }

  show(view) {
    this.view = view;
    this.element.hidden = false;
    this.title.textContent = view.name || t("many_pasted_name");
    this.about.textContent = ` ${t("many_size", { rows: number.format(view.rows), columns: number.format(view.columns.length) })}`;
    this.header.checked = view.has_header;
    this.sides.checked = view.two_sides;
    const uneven = view.uneven ? [t("many_uneven", { count: number.format(view.uneven) })] : [];
    this.notes.replaceChildren(...[...view.notes, ...uneven].map((note) => h("p", { class: "many-note" }, note)));
    this.fill("text", view.text, false);
    this.fill("gold", view.gold, true);
    this.fill("group", view.group, true, view.groups);
    this.mark();
  }

  // A column without a name is called by its number.
  nameOf(place) { return this.view.has_header ? this.view.columns[place] : t("many_column", { number: number.format(place + 1) }); }

  fill(name, chosen, optional, only = null) {
    const places = only ?? this.view.columns.map((_, place) => place);
    const options = places.map((place) => h("option", { value: String(place) }, this.nameOf(place)));
    this.selects[name].replaceChildren(...(optional ? [h("option", { value: "" }, t("many_no_column"))] : []), ...options);
    this.selects[name].value = chosen === null ? "" : String(chosen);
    this.selects[name].disabled = optional && !places.length;
  }

  get value() {
    const place = (name) => (this.selects[name].value === "" ? null : Number(this.selects[name].value));
    return { text: place("text"), gold: place("gold"), group: place("group") };
  }

  // The first rows, with the chosen columns marked.
  mark() {
    const { text, gold, group } = this.value;
    const roleOf = (place) => (place === text ? "text" : place === gold ? "gold" : place === group ? "group" : "");
    const head = this.view.columns.map((_, place) => h("th", { scope: "col", class: roleOf(place) }, this.nameOf(place), roleOf(place) ? h("small", {}, t(`many_role_${roleOf(place)}`)) : null));
    const rows = this.view.preview.map((row) => h("tr", {}, row.map((cell, place) => h("td", { class: roleOf(place), dir: "auto" }, cell))));
    this.preview.replaceChildren(h("table", { class: "many-preview" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
    this.preview.querySelector("th.text")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  // `state`: "ready", "running", "stopping", "stopped" (there is something to go on with) or "done".
  wait(state, left = 0) {
    const busy = state === "running" || state === "stopping";
    const words = { ready: "many_judge", running: "stop", stopping: "many_stopping", stopped: "many_go_on" };
    if (words[state]) {
      const said = t(words[state], { count: number.format(state === "stopped" ? left : this.view.rows) });
      this.go.querySelector("span").textContent = said;
      this.go.setAttribute("aria-label", said);
    }
    this.go.disabled = state === "stopping";
    this.go.hidden = state === "done"; // another column with texts, or other labels, make it "ready" again
    this.element.classList.toggle("judged", state === "done" || state === "stopped");
    this.go.classList.toggle("stopping", busy);
    for (const one of [...Object.values(this.selects), this.header, this.sides, this.other]) one.disabled = busy || (one === this.selects.group && !this.view.groups.length);
  }
}
