// Whose look is shown: all heads averaged, those of one layer, or one head; and the two switches over it.

import { h, memory, t } from "../dom.js";
import { restingNames } from "./explain.js";

const MAP_PIXELS = 512; // a map of more tokens shows several in a dot

export class Chooser {
  constructor({ run, onchange }) {
    Object.assign(this, { run, onchange });
    const remembered = (key) => memory.get(key) !== "off"; // both are on for a beginner
    this.value = { layer: null, head: null, hide_first: remembered("look_hide_first"), words: remembered("look_words"),
      value_weighted: false, pool: memory.get("look_pool") === "mean" ? "mean" : "max", rolled_out: false };
    if (!run.resting.length) this.value.hide_first = false;
    this.scope = h("div", { class: "segments", role: "radiogroup", "aria-label": t("look_whose") });
    this.layer = this.select(run.layers, "look_layer_n", t("look_layer"), (layer) => this.set({ layer }));
    this.head = this.select(run.heads, "look_head_n", t("look_head"), (head) => this.set({ head }));
    this.hide = !run.resting.length ? null : run.model_id ? this.toggle("look_hide_first", "hide_first", { label: "look_hide_marks", values: { names: restingNames(run) } })
      : this.toggle("look_hide_first", "hide_first");
    this.words = this.toggle("look_words", "words");
    this.values = run.value_weighted ? this.toggle("look_values", "value_weighted", { kept: false }) : null;
    this.pool = run.tokens.length > MAP_PIXELS ? this.pools() : null;
    this.element = h("section", { class: "look-chooser", "aria-label": t("look_whose") },
      this.scope, h("div", { class: "row look-which" }, this.layer, this.head), this.hide, this.words, this.values, this.pool);
    this.draw();
  }

  get kind() { return this.value.rolled_out ? "rollout" : this.value.layer === null ? "all" : this.value.head === null ? "layer" : "head"; }

  select(count, key, label, change) {
    const field = h("select", { "aria-label": label }, Array.from({ length: count }, (_, index) => h("option", { value: String(index) }, t(key, { number: index + 1 }))));
    field.addEventListener("change", () => change(Number(field.value)));
    return field;
  }

  toggle(key, name, { kept = true, label = key, values = {} } = {}) {
    const box = h("input", { type: "checkbox", role: "switch", checked: this.value[name] });
    (this.boxes ??= new Map()).set(name, box);
    box.addEventListener("change", () => { if (kept) memory.set(key, box.checked ? "" : "off"); this.set({ [name]: box.checked }); });
    return h("label", { class: "look-switch", "data-tip": t(`${label}_about`, values) }, box, h("span", {}, t(label, values)));
  }

  // What a dot of a long map shows of the weights that it stands for.
  pools() {
    const field = h("select", { id: "look-pool" }, ["max", "mean"].map((name) => h("option", { value: name }, t(`look_pool_${name}`))));
    field.addEventListener("change", () => { memory.set("look_pool", field.value === "max" ? "" : field.value); this.set({ pool: field.value }); });
    return h("label", { class: "look-switch look-pool", "data-tip": t("look_pool_about") }, h("span", {}, t("look_pool")), field);
  }

  choose(kind) {
    const layer = this.value.layer ?? Math.floor(this.run.layers / 2);
    if (kind === "rollout") this.set({ layer: null, head: null, rolled_out: true, value_weighted: false });
    else if (kind === "all") this.set({ layer: null, head: null, rolled_out: false });
    else if (kind === "layer") this.set({ layer, head: null });
    else this.set({ layer, head: this.value.head ?? 0 });
  }

  set(changes) {
    this.value = { ...this.value, ...changes };
    if (this.value.layer !== null) this.value.rolled_out = false; // it is of all layers
    this.draw();
    this.onchange(this.value);
  }

  draw() {
    const { kind } = this;
    this.scope.replaceChildren(...["all", ...(this.run.rolls_out ? ["rollout"] : []), "layer", "head"].map((name) => h("button", {
      type: "button", role: "radio", "aria-checked": String(name === kind), onclick: () => this.choose(name),
    }, t(`look_scope_${name}`))));
    this.layer.disabled = kind === "all" || kind === "rollout";
    this.head.disabled = kind !== "head";
    if (this.values) this.values.hidden = kind === "rollout"; // it is made of bare weights
    for (const [name, box] of this.boxes) box.checked = this.value[name];
    if (this.pool) this.pool.querySelector("select").value = this.value.pool;
    if (this.value.layer !== null) this.layer.value = String(this.value.layer);
    if (this.value.head !== null) this.head.value = String(this.value.head);
  }
}
