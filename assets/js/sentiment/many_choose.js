// Where a table comes from: a file that is dropped or picked, rows that are pasted, or an example.

import { button, h, t } from "../dom.js";

const MOST_BYTES = 20 * 1024 * 1024;
const EXAMPLES = ["hotel", "lines"];

function dataOf(file) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => resolve("");
    reader.readAsDataURL(file);
  });
}

export class TableChoice {
  // `ontable({name, data} or {name, pasted})`, `onrefuse(sentence)`.
  constructor({ ontable, onrefuse }) {
    Object.assign(this, { ontable, onrefuse });
    this.input = h("input", { type: "file", class: "unseen", accept: ".csv,.tsv,.txt,.tab,text/csv,text/tab-separated-values", tabindex: "-1", "aria-hidden": "true", onchange: () => { this.open(this.input.files[0]); this.input.value = ""; } });
    this.box = h("textarea", { rows: "6", "aria-label": t("many_paste_label"), placeholder: t("many_paste_placeholder"), spellcheck: "false" });
    this.use = button(t("many_paste_use"), { text: true, class: "primary", onclick: () => this.paste() });
    this.pasting = h("div", { class: "many-pasting", hidden: true }, this.box, h("div", { class: "row end" }, this.use));
    this.pasteButton = button(t("many_paste"), { iconName: "edit", text: true, "aria-expanded": "false", onclick: () => this.turnPasting() });
    this.zone = h("div", { class: "many-zone" }, h("p", {}, h("strong", {}, t("many_drop")), h("br"), h("span", { class: "hint" }, t("many_drop_about"))),
      h("div", { class: "row" }, button(t("many_pick"), { iconName: "upload", text: true, class: "primary", onclick: () => this.input.click() }), this.pasteButton), this.pasting, this.input);
    this.examples = h("div", { class: "many-examples" }, EXAMPLES.map((name) => h("button", { type: "button", class: "example", onclick: () => this.ontable({ name: t(`many_example_${name}_file`), pasted: t(`many_example_${name}_table`) }) },
      h("strong", {}, t(`many_example_${name}`)), h("span", {}, t(`many_example_${name}_about`)))));
    this.element = h("div", { class: "many-choose" }, this.zone, this.examples);
  }

  // Files may be dropped anywhere on `element`.
  catchDrops(element) {
    const has = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    element.addEventListener("dragover", (event) => { if (has(event)) { event.preventDefault(); element.classList.add("dropping"); } });
    element.addEventListener("dragleave", (event) => { if (!element.contains(event.relatedTarget)) element.classList.remove("dropping"); });
    element.addEventListener("drop", (event) => {
      if (!has(event)) return;
      event.preventDefault();
      element.classList.remove("dropping");
      this.open(event.dataTransfer.files[0]);
    });
  }

  turnPasting() {
    this.pasting.hidden = !this.pasting.hidden;
    this.pasteButton.setAttribute("aria-expanded", String(!this.pasting.hidden));
    if (!this.pasting.hidden) this.box.focus();
  }

  paste() {
    if (this.box.value.trim()) this.ontable({ name: t("many_pasted_name"), pasted: this.box.value });
    else this.box.focus();
  }

  async open(file) {
    if (!file) return;
    if (file.size > MOST_BYTES) { this.onrefuse(t("many_large")); return; }
    this.ontable({ name: file.name, data: await dataOf(file) });
  }
}
