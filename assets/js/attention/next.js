// What the model would write behind the text, and how creativity (temperature) reshapes the odds.
// The server sends the largest logits and, for each setting of the slider, the sum over the whole vocabulary.

import { h, t } from "../dom.js";
import { percent, visible } from "./ramp.js";

const SHOWN = 5;

export class NextWords {
  // `chosen` is the token that was written here, if that is known.
  constructor({ next, last, chosen = null }) {
    this.next = next;
    this.chosen = chosen;
    const start = next.temperatures.findIndex((value) => value >= 1);
    this.rows = h("ol", { class: "look-links" });
    this.output = h("output", { for: "look-temperature" });
    this.slider = h("input", { type: "range", id: "look-temperature", min: "0", max: String(next.temperatures.length - 1), step: "1", value: String(start) });
    this.slider.addEventListener("input", () => this.draw());
    this.element = h("section", { class: "look-card look-next" }, h("h2", {}, t("look_next")),
      h("p", { class: "hint" }, t("look_next_about", { word: visible(last) })), this.rows,
      h("div", { class: "slider" }, h("label", { for: "look-temperature" }, t("look_temperature"), this.output), this.slider,
        h("small", {}, t("look_temperature_about"))));
    this.draw();
  }

  draw() {
    const step = Number(this.slider.value);
    const temperature = this.next.temperatures[step];
    this.output.textContent = temperature.toFixed(1);
    this.slider.setAttribute("aria-valuetext", temperature.toFixed(1));
    const shown = this.next.tokens.filter(([text], place) => place < SHOWN || (this.chosen !== null && visible(text) === visible(this.chosen)));
    const shares = shown.map(([text, logit]) => [text, Math.exp(logit / temperature - this.next.log_sums[step])]);
    const rest = Math.max(0, 1 - shares.reduce((sum, [, share]) => sum + share, 0));
    const mark = (text) => (this.chosen !== null && visible(text) === visible(this.chosen) ? "chosen" : "");
    this.rows.replaceChildren(...shares.map(([text, share]) => line(visible(text), share, mark(text))), line(t("look_next_rest"), rest, "rest"));
  }
}

const line = (word, share, extra = "") => h("li", { class: extra }, h("div", { style: `--share:${share.toFixed(4)}` },
  h("span", { class: "bar" }), h("span", { class: "word" }, word), h("span", { class: "share" }, percent(share, share < 0.1 ? 1 : 0))));
