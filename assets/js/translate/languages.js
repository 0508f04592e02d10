// The languages of both sides, and the change of sides. Names come from the browser, in the visitor's language.

import { button, h, memory, page, t } from "../dom.js";

const names = new Intl.DisplayNames([page.language === "zh" ? "zh-Hans" : "en"], { type: "language" });
export const nameOf = (code) => (code ? names.of(code) ?? code : "");

export class Languages {
  // `onchange` hears that a side was changed, `onswap` that both change places.
  constructor({ onchange, onswap }) {
    this.codes = [];
    this.rightToLeft = new Set();
    this.guess = "";
    this.doubtful = false;
    this.from = h("select", { "aria-label": t("tr_from"), onchange: () => onchange() });
    this.to = h("select", { "aria-label": t("tr_to"), onchange: () => { this.chosen = true; memory.set("translate_to", this.to.value); onchange(); } });
    this.swap = button(t("tr_swap"), { iconName: "swap", class: "tr-swap", onclick: onswap });
    this.element = h("div", { class: "tr-languages" }, this.from, this.swap, this.to);
    this.chosen = Boolean(memory.get("translate_to"));
  }

  offer(languages) {
    this.codes = languages.map(([code]) => code);
    this.rightToLeft = new Set(languages.filter(([, , rightToLeft]) => rightToLeft).map(([code]) => code));
    this.from.replaceChildren(h("option", { value: "" }, t("tr_detect")), ...this.codes.map((code) => h("option", { value: code }, nameOf(code))));
    this.to.replaceChildren(...this.codes.map((code) => h("option", { value: code }, nameOf(code))));
    const kept = memory.get("translate_to");
    this.to.value = this.codes.includes(kept) ? kept : page.language;
  }

  // What the source is: chosen, or detected without a doubt.
  get source() { return this.from.value || (this.doubtful ? "" : this.guess); }

  // Whether the text is clearly in another language than the one that was chosen for it.
  get contradicted() { return Boolean(this.from.value && this.guess && !this.doubtful && this.guess !== this.from.value); }

  get target() { return this.to.value; }

  direction(code) { return this.rightToLeft.has(code) ? "rtl" : "ltr"; }

  // A text was looked at. True when the pair is another one now.
  heard({ guess, doubtful, target }) {
    const before = `${this.source} ${this.target}`;
    this.guess = guess;
    this.doubtful = doubtful;
    this.from.options[0].textContent = !guess ? t("tr_detect") : t(doubtful ? "tr_detected_perhaps" : "tr_detected", { language: nameOf(guess) });
    // Nobody wants a text in the language it is in already.
    const own = !this.from.value && !doubtful && guess === this.to.value;
    if (target && (own || (!this.chosen && guess && !doubtful))) this.to.value = target;
    return before !== `${this.source} ${this.target}`;
  }

  wait(busy) { for (const one of [this.from, this.to, this.swap]) one.disabled = busy; }

  set(from, to) {
    this.chosen = true;
    this.from.value = this.codes.includes(from) ? from : "";
    if (this.codes.includes(to)) this.to.value = to;
  }

  // The other way round. The detected language becomes a chosen one.
  turn() {
    const { source, target } = this;
    if (!source) return false;
    this.set(target, source);
    this.chosen = true;
    return true;
  }

  // Marks what the model does badly; it can be chosen all the same.
  mark(levels) {
    for (const option of this.to.options) {
      const level = levels[option.value];
      option.textContent = level === "poor" || level === "untrained" ? t("tr_option_poor", { language: nameOf(option.value) }) : nameOf(option.value);
    }
  }
}
