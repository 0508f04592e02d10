// One weight step by step: softmax(QKᵀ / √d) V for one head, one query and one key, with the run's own numbers.

import { h, number, t } from "../dom.js";
import { told } from "./direction.js";
import { figure, onTheme, percent, visible } from "./ramp.js";
import { sentenceWith } from "./reading.js";
import { Strip } from "./strip.js";

const STEPS = ["vectors", "products", "scaling", "mask", "softmax", "values", "heads"];
const TEMPERATURES = Array.from({ length: 20 }, (_, step) => (step + 1) / 10);

export class Steps {
  constructor({ run, server, onhead }) {
    Object.assign(this, { run, server, onhead });
    this.strips = [];
    this.asked = 0;
    this.title = h("p", { class: "how-about" });
    this.key = h("select", { id: "how-key" });
    this.key.addEventListener("change", () => this.load({ key: Number(this.key.value) }));
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.parts = Object.fromEntries(STEPS.map((name) => [name, { sentence: h("p", {}), body: h("div", { class: "how-body" }) }]));
    this.output = h("output", { for: "how-temperature" });
    this.slider = h("input", { type: "range", id: "how-temperature", min: "0", max: String(TEMPERATURES.length - 1), step: "1" });
    this.slider.addEventListener("input", () => { this.tellTemperature(); this.load({ key: this.shown.key.index }); });
    const slider = h("div", { class: "slider" }, h("label", { for: "how-temperature" }, t("how_temperature"), this.output), this.slider, h("small", {}, t("how_temperature_about")));
    this.list = h("ol", { class: "how-steps", hidden: true }, STEPS.map((name) => h("li", { class: `how-${name}` }, h("h3", {}, t(`how_${name}`)),
      this.parts[name].sentence, this.parts[name].body, name === "softmax" ? slider : null)));
    this.element = h("div", { class: "how" }, this.title, h("p", { class: "how-formula mono", dir: "ltr" }, "Attention(Q, K, V) = softmax(QKᵀ / √dₖ) V"),
      h("div", { class: "row" }, h("label", { for: "how-key" }, t("how_key")), this.key), this.problem, this.list);
    onTheme(() => this.strips.forEach((strip) => strip.draw()));
  }

  show(target) {
    const about = JSON.stringify([target.layer, target.head, target.word.end, target.hide_first, target.value_weighted]);
    this.target = target;
    if (about === this.about) { this.say(); return; }
    this.about = about;
    this.slider.value = String(TEMPERATURES.indexOf(1));
    this.tellTemperature();
    this.load({ key: null });
    this.loadHeads();
  }

  get temperature() { return TEMPERATURES[Number(this.slider.value)]; }

  tellTemperature() {
    this.output.textContent = this.temperature.toFixed(1);
    this.slider.setAttribute("aria-valuetext", this.temperature.toFixed(1));
  }

  question() {
    const { layer, head, word, hide_first } = this.target;
    return { run: this.run.id, layer, head, hide_first, query: word.end - 1 };
  }

  // What is asked for last wins: a slider asks faster than a server answers.
  async load({ key }) {
    const asked = (this.asked += 1);
    const view = await this.server.steps({ ...this.question(), key, temperature: this.temperature });
    if (asked !== this.asked) return;
    this.problem.hidden = !view.error;
    this.problem.textContent = view.error ?? "";
    if (view.error) { this.about = null; return; }
    this.shown = view;
    this.list.hidden = false;
    this.say();
    this.draw(view);
  }

  say() {
    if (!this.shown) return;
    const { word } = this.target;
    const { layer, head, query, key } = this.shown;
    this.title.replaceChildren(...sentenceWith(t("how_head", { layer: layer + 1, head: head + 1 }), visible(query.text), visible(key.text)),
      ...(word.end - word.first > 1 ? [" ", ...sentenceWith(t("how_piece"), visible(query.text), visible(word.text))] : []),
      this.target.instead ? ` ${t("how_instead")}` : "");
  }

  put(name, sentence, ...body) {
    this.parts[name].sentence.replaceChildren(...[sentence].flat());
    this.parts[name].body.replaceChildren(...body.map((one) => one.element ?? one));
    this.strips.push(...body.filter((one) => one instanceof Strip));
  }

  draw(view) {
    const { vectors, size, seen_keys: seen, unseen_keys: unseen } = view;
    const [query, key] = [visible(view.query.text), visible(view.key.text)];
    this.strips = [];
    this.key.replaceChildren(...view.keys.map(([index, text, , weight]) => h("option", { value: String(index) }, `${visible(text)} (${index + 1}) · ${percent(weight, 1)}`)));
    this.key.value = String(view.key.index);
    this.put("vectors", sentenceWith(t("how_vectors_about", { size }), query, key),
      new Strip(t("how_query"), vectors.query), new Strip(t("how_key_vector"), vectors.key));
    const above = vectors.products.filter((product) => product > 0).length;
    this.put("products", t("how_products_about", { size, above, score: figure(view.score) }), new Strip(t("how_product"), vectors.products));
    this.put("scaling", scaling(view));
    this.put("mask", sentenceWith(told(this.run, unseen ? "how_mask_about" : "how_mask_none", { seen: number.format(seen), unseen: number.format(unseen) }), query));
    this.put("softmax", [...sentenceWith(t("how_softmax_about", { weight: percent(view.weight, 1), score: figure(view.final_score) }), key),
      this.target.hide_first ? ` ${t("how_first_counts")}` : "", this.target.value_weighted ? ` ${t("how_values_apart")}` : ""], this.bars(view));
    const [largest] = view.largest_parts;
    this.put("values", sentenceWith(t(largest ? "how_values_about" : "how_values_none", { size: vectors.value.length }), largest ? visible(largest[1]) : key),
      new Strip(t("how_value"), vectors.value), new Strip(t("how_output"), vectors.output));
  }

  bars({ keys, rest, key }) {
    const rows = keys.map(([index, text, score, weight]) => bar(h("span", { class: "word" }, visible(text), h("small", {}, ` ${figure(score)}`)), weight, percent(weight, 1), index === key.index ? "chosen" : ""));
    if (rest.keys) rows.push(bar(h("span", { class: "word" }, t("how_rest", { keys: number.format(rest.keys) })), rest.weight, percent(rest.weight, 1), "rest"));
    return h("ol", { class: "look-links how-bars" }, rows);
  }

  async loadHeads() {
    const about = this.about;
    const view = await this.server.layer_heads(this.question());
    if (about !== this.about) return;
    if (view.error) { this.put("heads", view.error); return; }
    const most = Math.max(...view.parts.map((part) => part.adds ?? 0)) || 1;
    const { head } = this.target;
    const values = { heads: view.heads, concat: number.format(view.concat), hidden: number.format(view.hidden), largest: view.largest + 1, head: head + 1, share: signed(view.parts[head].share) };
    this.put("heads", t("how_heads_about", values), h("ol", { class: "look-links how-heads-bars" }, view.parts.map((part) => h("li", { class: part.head === head ? "chosen" : "" },
      h("button", { type: "button", style: `--share:${((part.adds ?? 0) / most).toFixed(4)}`, onclick: () => this.onhead(view.layer, part.head) },
        h("span", { class: "bar" }), h("span", { class: "word" }, t("look_head_n", { number: part.head + 1 })), h("span", { class: "share" }, figure(part.adds)))))));
  }
}

const signed = (share) => (share < 0 ? `−${percent(-share)}` : percent(share));

const bar = (word, share, told, extra) => h("li", { class: extra }, h("div", { style: `--share:${(share ?? 0).toFixed(4)}` },
  h("span", { class: "bar" }), word, h("span", { class: "share" }, told)));

// The model's scaling is 1 / √d mostly; some squeeze the score or add to it for the distance.
function scaling(view) {
  const root = Math.sqrt(view.size);
  const usual = Math.abs(view.scaling * root - 1) < 1e-3;
  const parts = [t(usual ? "how_scaling_about" : "how_scaling_other",
    { size: view.size, root: Number.isInteger(root) ? root : figure(root), factor: view.scaling.toPrecision(3), score: figure(view.score), scaled: figure(view.scaled) })];
  if (view.squeezed !== null) parts.push(t("how_squeezed", { cap: figure(view.softcap), squeezed: figure(view.squeezed) }));
  if (view.bias !== null) parts.push(t("how_bias", { bias: figure(view.bias), score: figure(view.final_score) }));
  return parts.join(" ");
}
