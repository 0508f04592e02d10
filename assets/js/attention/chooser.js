// Whose look is shown: all heads averaged, those of one layer, or one head; and the two switches over it.

import { h, memory, t } from "../dom.js";

export class Chooser {
  constructor({ run, onchange }) {
    Object.assign(this, { run, onchange });
    const remembered = (key) => memory.get(key) !== "off"; // both are on for a beginner
    this.value = { layer: null, head: null, hide_first: remembered("look_hide_first"), words: remembered("look_words") };
    this.scope = h("div", { class: "segments", role: "radiogroup", "aria-label": t("look_whose") });
    this.layer = this.select(run.layers, "look_layer_n", t("look_layer"), (layer) => this.set({ layer }));
    this.head = this.select(run.heads, "look_head_n", t("look_head"), (head) => this.set({ head }));
    this.hide = this.toggle("look_hide_first", "hide_first");
    this.words = this.toggle("look_words", "words");
    this.element = h("section", { class: "look-chooser", "aria-label": t("look_whose") },
      this.scope, h("div", { class: "row look-which" }, this.layer, this.head), this.hide, this.words);
    this.draw();
  }

  get kind() { return this.value.layer === null ? "all" : this.value.head === null ? "layer" : "head"; }

  select(count, key, label, change) {
    const field = h("select", { "aria-label": label }, Array.from({ length: count }, (_, index) => h("option", { value: String(index) }, t(key, { number: index + 1 }))));
    field.addEventListener("change", () => change(Number(field.value)));
    return field;
  }

  toggle(key, name) {
    const box = h("input", { type: "checkbox", role: "switch", checked: this.value[name] });
    box.addEventListener("change", () => { memory.set(key, box.checked ? "" : "off"); this.set({ [name]: box.checked }); });
    return h("label", { class: "look-switch", "data-tip": t(`${key}_about`) }, box, h("span", {}, t(key)));
  }

  choose(kind) {
    const layer = this.value.layer ?? Math.floor(this.run.layers / 2);
    if (kind === "all") this.set({ layer: null, head: null });
    else if (kind === "layer") this.set({ layer, head: null });
    else this.set({ layer, head: this.value.head ?? 0 });
  }

  set(changes) {
    this.value = { ...this.value, ...changes };
    this.draw();
    this.onchange(this.value);
  }

  draw() {
    const { kind } = this;
    this.scope.replaceChildren(...["all", "layer", "head"].map((name) => h("button", {
      type: "button", role: "radio", "aria-checked": String(name === kind), onclick: () => this.choose(name),
    }, t(`look_scope_${name}`))));
    this.layer.disabled = kind === "all";
    this.head.disabled = kind !== "head";
    if (this.value.layer !== null) this.layer.value = String(this.value.layer);
    if (this.value.head !== null) this.head.value = String(this.value.head);
  }
}
