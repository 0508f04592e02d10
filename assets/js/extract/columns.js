// What is wanted: a preset as a chip, or columns of one's own in a small table, kept under a name in this browser.

import { button, h, icon, memory, number, saveFile, t, toast } from "../dom.js";
import { columnName } from "./words.js";

const EXTRAS = ["text", "name", "number", "amount", "date", "choice", "yes_no", "email", "phone", "link", "sentence"];
const MOST_KEPT = 12;

const blank = () => ({ name: "", type: "text", many: false, description: "", choices: [], every: false });

export class Columns {
  // `onchange()` when something else is wanted. `server.check_columns` reads columns from a file.
  constructor({ server, onchange }) {
    Object.assign(this, { server, onchange });
    this.presets = [];
    this.own = this.kept();
    this.schema = null;
    this.preset = "";
    this.chips = h("div", { class: "ex-chips", role: "radiogroup", "aria-label": t("ex_wanted"), onkeydown: (event) => this.key(event) });
    this.change = h("button", { type: "button", class: "ex-more", "aria-expanded": "false", onclick: () => this.toggle() }, icon("sliders"), h("span", {}, t("ex_columns")));
    this.element = h("div", { class: "ex-options" }, this.chips, this.change);
    this.editor = h("section", { class: "ex-editor", hidden: true, "aria-label": t("ex_columns") });
  }

  offer({ presets = [], formTypes = [], mostFields = 12 }) {
    Object.assign(this, { presets, formTypes, mostFields });
    const last = memory.get("extract_wanted");
    const schema = presets.find((one) => one.name === last) ?? this.own.find((one) => one.name === last) ?? presets[0];
    this.set(schema);
  }

  kept() {
    try { return JSON.parse(memory.get("extract_columns") ?? "[]").filter((one) => Array.isArray(one?.fields)); } catch { return []; }
  }

  // What is wanted from now on; a schema from before keeps its name if it is one of the chips.
  set(schema, { preset } = {}) {
    this.preset = preset ?? (this.presets.includes(schema) ? schema.name : "");
    this.schema = structuredClone(schema);
    this.draw();
  }

  draw() {
    const chosen = this.preset || (this.own.some((one) => one.name === this.schema.name) ? this.schema.name : null);
    const chip = (schema, label, isPreset) => {
      const on = isPreset ? this.preset === schema.name : !this.preset && chosen === schema.name;
      return h("button", { type: "button", class: "ex-chip", role: "radio", "aria-checked": String(on), tabindex: on ? "0" : "-1", title: isPreset ? t(`ex_preset_${schema.name}_about`) : "", onclick: () => this.choose(schema) }, label);
    };
    const other = !this.preset && chosen === null;
    this.chips.replaceChildren(...this.presets.map((one) => chip(one, t(`ex_preset_${one.name}`), true)), ...this.own.map((one) => chip(one, one.name, false)),
      h("button", { type: "button", class: "ex-chip ex-own", role: "radio", "aria-checked": String(other), tabindex: other ? "0" : "-1", onclick: () => this.begin() }, t("ex_own")));
    if (!this.editor.hidden) this.fill();
  }

  choose(schema) {
    this.set(schema);
    memory.set("extract_wanted", schema.name);
    this.onchange();
  }

  begin() {
    if (this.preset || this.own.some((one) => one.name === this.schema.name)) this.set({ name: "", rows: false, fields: [blank()] }, { preset: "" });
    this.toggle(true);
    this.editor.querySelector("input[type=text]")?.focus();
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = [...this.chips.children].indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = this.chips.children[(at + step + this.chips.children.length) % this.chips.children.length];
    next.click();
    if (this.editor.hidden || !next.classList.contains("ex-own")) this.chips.querySelector("[aria-checked=true]").focus();
  }

  toggle(open = this.editor.hidden) {
    this.editor.hidden = !open;
    this.change.setAttribute("aria-expanded", String(open));
    this.change.classList.toggle("set", open);
    if (open) this.fill();
  }

  // A preset that is changed becomes columns of one's own, with the names that the visitor sees.
  touch() {
    if (!this.preset) return;
    for (const field of this.schema.fields) field.name = columnName(field, true);
    Object.assign(this, { preset: "" });
    this.schema.name = "";
    this.draw();
  }

  fill() {
    const { fields } = this.schema;
    const rows = fields.map((field, index) => this.line(field, index));
    const first = fields[0] ? columnName(fields[0], Boolean(this.preset)) : "";
    const one = (rows_, label) => h("label", { class: "ex-choice" }, h("input", { type: "radio", name: "ex-rows", checked: this.schema.rows === rows_, onchange: () => { this.touch(); this.schema.rows = rows_; this.fill(); this.onchange(); } }), label);
    const name = h("input", { type: "text", class: "ex-name", maxLength: 60, placeholder: t("ex_keep_name"), "aria-label": t("ex_keep_name"), value: this.preset ? "" : this.schema.name });
    const picker = h("input", { type: "file", accept: ".json", hidden: true, onchange: () => { const [file] = picker.files; picker.value = ""; if (file) this.load(file); } });
    const isKept = !this.preset && this.own.some((kept) => kept.name === this.schema.name);
    this.editor.replaceChildren(
      h("fieldset", { class: "ex-rows" }, h("legend", {}, t("ex_rows_label")), one(false, t("ex_one_row")), one(true, first ? t("ex_row_each", { name: first }) : t("ex_row_each_first"))),
      h("div", { class: "ex-lines" }, ...rows),
      h("div", { class: "ex-editor-foot" },
        button(t("ex_column_add"), { iconName: "plus", text: true, disabled: fields.length >= this.mostFields, onclick: () => this.add() }),
        h("span", { class: "ex-keep" }, name, button(t("ex_keep_columns"), { text: true, onclick: () => this.keep(name.value.trim()) })),
        isKept ? button(t("ex_forget_columns", { name: this.schema.name }), { iconName: "trash", onclick: () => this.forget() }) : null,
        button(t("ex_save_columns"), { iconName: "download", onclick: () => saveFile("columns.json", JSON.stringify({ ...this.schema, fields: this.schema.fields.map((field) => ({ ...field, name: columnName(field, Boolean(this.preset)) })) }, null, 2), "application/json") }),
        button(t("ex_load_columns"), { iconName: "upload", onclick: () => picker.click() }), picker));
  }

  line(field, index) {
    const set = (name, value, again = false) => { this.touch(); this.schema.fields[index][name] = value; if (again) this.fill(); this.onchange(); };
    const label = number.format(index + 1);
    const typed = h("select", { "aria-label": t("ex_type_of", { number: label }), onchange: () => { set("every", false); set("type", typed.value, true); this.focus(index, "select"); } }, ...EXTRAS.map((type) => h("option", { value: type }, t(`ex_type_${type}`))));
    typed.value = field.type;
    const isChoice = ["choice", "yes_no"].includes(field.type);
    const isKey = this.schema.rows && index === 0;
    const several = isChoice || isKey ? null : h("label", { class: "ex-choice" }, h("input", { type: "checkbox", checked: field.many, onchange: (event) => set("many", event.target.checked) }), t("ex_several"));
    const every = ["date", "amount", "number"].includes(field.type) ? h("label", { class: "ex-choice", title: t("ex_every_about") }, h("input", { type: "checkbox", checked: field.every, onchange: (event) => set("every", event.target.checked) }), t("ex_every")) : null;
    const about = field.type === "choice"
      ? h("input", { type: "text", maxLength: 600, value: field.choices.join(", "), placeholder: t("ex_choices"), "aria-label": t("ex_choices_of", { number: label }), oninput: (event) => set("choices", event.target.value.split(/[,，、]/).map((one) => one.trim()).filter(Boolean)) })
      : h("input", { type: "text", maxLength: 200, value: field.description, placeholder: t("ex_description"), "aria-label": t("ex_description_of", { number: label }), oninput: (event) => set("description", event.target.value) });
    return h("div", { class: "ex-field", role: "group", "aria-label": t("ex_column", { number: label }) },
      h("input", { type: "text", class: "ex-field-name", maxLength: 60, value: columnName(field, Boolean(this.preset)), placeholder: t("ex_column_name"), "aria-label": t("ex_name_of", { number: label }), oninput: (event) => set("name", event.target.value) }),
      typed, about, h("span", { class: "ex-field-many" }, several, every),
      button(t("ex_column_remove", { number: label }), { iconName: "close", disabled: this.schema.fields.length === 1, onclick: () => this.remove(index) }));
  }

  focus(index, what) { this.editor.querySelectorAll(".ex-field")[index]?.querySelector(what)?.focus(); }

  add() {
    this.touch();
    this.schema.fields.push(blank());
    this.fill();
    this.focus(this.schema.fields.length - 1, "input");
    this.onchange();
  }

  remove(index) {
    this.touch();
    const [gone] = this.schema.fields.splice(index, 1);
    this.fill();
    this.focus(Math.min(index, this.schema.fields.length - 1), "input");
    this.onchange();
    if (gone.name) toast(t("ex_column_removed", { name: gone.name }), { action: t("undo"), onaction: () => { this.schema.fields.splice(index, 0, gone); this.fill(); this.onchange(); } });
  }

  keep(name) {
    if (!name) { this.editor.querySelector(".ex-name").focus(); toast(t("ex_keep_needs_name")); return; }
    this.touch();
    this.schema.name = name;
    this.own = [...this.own.filter((one) => one.name !== name), structuredClone(this.schema)].slice(-MOST_KEPT);
    this.write();
    memory.set("extract_wanted", name);
    toast(t("ex_kept", { name }));
  }

  forget() {
    const gone = this.own;
    const { name } = this.schema;
    this.own = this.own.filter((one) => one.name !== name);
    this.write();
    toast(t("ex_forgotten", { name }), { action: t("undo"), onaction: () => { this.own = gone; this.write(); } });
  }

  write() {
    memory.set("extract_columns", this.own.length ? JSON.stringify(this.own) : null);
    this.draw();
  }

  async load(file) {
    const answer = file.size > 1_000_000 ? { error: t("ex_load_large") } : await this.server.check_columns({ content: await file.text() });
    if (answer.error) { toast(answer.error); return; }
    this.set(answer.schema, { preset: "" });
    this.toggle(true);
    this.onchange();
  }
}
