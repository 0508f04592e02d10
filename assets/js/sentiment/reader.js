// The judged text: every word coloured by what it does, the sentences as a strip, and one line about the word that is
// pointed at.

import { h, t } from "../dom.js";
import { labelName, leaning, points, ranked, tone, verdictText, weightOf, wordsOf } from "./words.js";

const LEAST_FULL = 0.7; // the strongest word has the full colour, if it does at least so much
const FEWEST_FOR_USUAL = 8;
const MOST_SHOWN = 3;
const PALE = 0.15; // below that no colour: so much comes of computing in 16 bits

const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export class Reader {
  // `onword(span, node)` when a word is pressed, `onsentence(index)` when a piece of the strip is.
  constructor({ onword, onsentence }) {
    Object.assign(this, { onword, onsentence, label: null });
    this.text = h("div", { class: "se-words", role: "group", "aria-label": t("se_words"), dir: "auto" });
    this.strip = h("div", { class: "se-strip", role: "list", "aria-label": t("se_sentences"), hidden: true });
    this.caption = h("p", { class: "se-caption", hidden: true }, t("se_sentences"));
    this.legend = h("div", { class: "se-legend", hidden: true });
    this.card = h("p", { class: "se-word-line", "aria-live": "polite" });
    this.element = h("div", { class: "se-reader" }, this.text, h("div", { class: "se-under-text" }, this.card, this.caption, this.strip, this.legend));
    this.text.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.point(this.at(event.target)); });
    this.text.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.point(null); });
    this.text.addEventListener("focusin", (event) => this.point(this.at(event.target)));
    this.text.addEventListener("click", (event) => { const word = this.at(event.target); if (word) { this.roam(word.index); this.onword(word); } });
    this.text.addEventListener("keydown", (event) => this.key(event));
  }

  at(target) {
    const index = target.closest?.("[data-index]")?.dataset.index;
    return index === undefined ? null : this.words[Number(index)];
  }

  // A text from the start; nothing is known of its words.
  read(text) {
    this.source = text;
    this.words = [];
    this.view = null;
    this.label = null;
    this.pointed = null;
    this.sentenceNodes = [];
    const pieces = [];
    let given = 0;
    for (const [start, end] of wordsOf(text)) {
      const node = h("span", { class: "w", role: "button", tabindex: "-1", "data-index": String(this.words.length) }, text.slice(start, end));
      pieces.push(text.slice(given, start), node);
      this.words.push({ index: this.words.length, start, end, text: text.slice(start, end), node, without: null });
      given = end;
    }
    this.text.replaceChildren(...pieces, text.slice(given));
    this.strip.hidden = true;
    this.caption.hidden = true;
    this.legend.hidden = true;
    this.card.textContent = "";
    this.roam(0);
  }

  // `view` is a run's, whole or as far as it is known.
  show(view) {
    if (!view.labels) return;
    this.view = view;
    this.names = view.labels.map(([name]) => name);
    const byStart = new Map(this.words.map((word) => [word.start, word]));
    for (const heat of view.heats ?? []) {
      for (const [start, , without] of heat.words) {
        const word = byStart.get(start);
        if (word) Object.assign(word, { without, whole: heat.probabilities });
      }
    }
    this.paint();
    this.drawStrip(view.sentences ?? []);
    if (!this.pointed) this.invite();
  }

  // The words are coloured for a label; null: from negative to positive, or for the likeliest.
  paintFor(label) {
    this.label = label;
    this.paint();
    this.invite();
  }

  paint() {
    const known = this.words.filter((word) => word.without);
    for (const word of known) word.weight = weightOf(word.whole, word.without, this.names, this.label);
    // Any gap in a text changes a little: a word's colour is what it does beyond that. Its figures stay as they are.
    const usual = known.length >= FEWEST_FOR_USUAL ? middle(known.map((word) => word.weight)) : 0;
    const full = Math.max(LEAST_FULL, ...known.map((word) => Math.abs(word.weight - usual)));
    for (const word of known) {
      const beyond = word.weight - usual;
      const strength = Math.abs(beyond) / full;
      word.node.className = Math.abs(beyond) < PALE ? "w known" : `w known ${beyond > 0 ? "warm" : "cool"}`;
      word.node.style.setProperty("--strength", (0.1 + 0.5 * strength).toFixed(3));
      word.node.setAttribute("aria-label", `${word.text}: ${this.effect(word)}`);
    }
    this.legend.hidden = !known.length;
    const twoSides = this.label === null && leaning([], this.names) !== null;
    const [left, right] = twoSides ? [labelName("negative"), labelName("positive")] : [t("se_against", { label: this.labelShown }), t("se_for", { label: this.labelShown })];
    this.legend.replaceChildren(h("span", {}, left), h("span", { class: "se-ramp", "aria-hidden": "true" }), h("span", {}, right));
  }

  get labelShown() {
    const index = this.label ?? (this.view?.overall ? ranked(this.view.overall.probabilities)[0][0] : 0);
    return labelName(this.names?.[index] ?? "");
  }

  // What a word does, exactly: how many points it adds to each label, or to the one that is looked at.
  effect(word) {
    if (!word.without) return t("se_word_unknown");
    const shown = this.label !== null || this.names.length > MOST_SHOWN ? [this.label ?? ranked(word.whole)[0][0]] : this.names.map((_, index) => index);
    const changes = shown.map((index) => `${labelName(this.names[index])} ${points(word.whole[index] - word.without[index])}`).join(", ");
    return t("se_word_effect", { changes });
  }

  point(word) {
    this.pointed = word;
    if (!this.view) return;
    if (word) this.card.replaceChildren(h("strong", { dir: "auto" }, `“${word.text}”`), " ", this.effect(word));
    else this.invite();
  }

  invite() {
    const weighed = this.words.some((word) => word.without);
    this.card.textContent = t(weighed ? "se_point_word" : this.view?.sentences?.length ? "se_choose_sentence" : "se_press_word");
  }

  drawStrip(sentences) {
    this.strip.hidden = sentences.length < 2;
    this.caption.hidden = this.strip.hidden;
    if (sentences.length === this.sentenceNodes.length) return;
    this.sentenceNodes = sentences.map(([start, end, probabilities], index) => {
      const lean = probabilities.length ? leaning(probabilities, this.names) : 0;
      const words = this.source.slice(start, end).trim();
      const said = probabilities.length ? verdictText(probabilities, this.names, this.view.independent) : t("se_not_judged");
      const colour = lean === null ? tone(probabilities.length ? ranked(probabilities)[0][0] : 0) : Math.abs(lean) < 0.15 ? "plain" : lean > 0 ? "warm" : "cool";
      const node = h("button", { type: "button", class: `se-piece ${colour}`, style: `flex-grow: ${Math.max(8, end - start)}; --strength: ${(0.25 + 0.6 * Math.abs(lean ?? 0.6)).toFixed(2)}`,
        "aria-label": `${said}: ${words}`, title: `${said}: ${words.slice(0, 120)}`,
        onpointerenter: () => this.lightSpan([start, end]), onpointerleave: () => this.lightSpan(null), onfocus: () => this.lightSpan([start, end]), onblur: () => this.lightSpan(null),
        onclick: () => this.onsentence(index) });
      return h("div", { role: "listitem", style: `flex-grow: ${Math.max(8, end - start)}` }, node);
    });
    this.strip.replaceChildren(...this.sentenceNodes);
  }

  // Lights up what stands in places of the text, and brings it into view.
  light(spans) {
    for (const { node, start, end } of this.words) node.classList.toggle("lit", spans.some(([first, last]) => first < end && start < last));
    const first = spans.length ? this.words.find(({ node }) => node.classList.contains("lit")) : null;
    first?.node.scrollIntoView({ block: "nearest" });
  }

  lightSpan(span) { this.light(span ? [span] : []); }

  // One word is reached with Tab, the others with the arrows.
  roam(index) {
    for (const word of this.words) word.node.tabIndex = word.index === index ? 0 : -1;
  }

  key(event) {
    const word = this.at(event.target);
    if (!word) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 5, ArrowUp: -5 }[event.key];
    if (step) {
      event.preventDefault();
      const next = this.words[Math.min(Math.max(word.index + step, 0), this.words.length - 1)];
      this.roam(next.index);
      next.node.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.onword(word);
    }
  }
}

