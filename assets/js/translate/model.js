// Which model translates, and how well it does the chosen pair: said beforehand, in one sentence.

import { bus, button, h, icon, number, popover, t } from "../dom.js";
import { nameOf } from "./languages.js";

const CHAT = { id: "", name: "" };

export class Translators {
  constructor({ server, languages, onchange }) {
    Object.assign(this, { server, languages, onchange });
    this.value = CHAT;
    this.chat = "";
    this.name = h("span", {});
    this.button = h("button", { type: "button", class: "b tr-model", "aria-haspopup": "dialog", onclick: () => this.open() }, this.name, icon("down"));
    this.line = h("span", { class: "tr-quality" });
    this.element = h("div", { class: "tr-by" }, h("span", {}, t("tr_model")), this.button, this.line);
    bus.on("model-ready", (state) => { this.chat = state.name; this.draw(); this.update(); });
    this.draw();
  }

  draw() {
    const shown = this.value.id ? this.value.name : this.chat || t("tr_model_chat");
    this.name.textContent = shown;
    this.button.setAttribute("aria-label", t("tr_model_chosen", { name: shown }));
  }

  set(value) {
    this.value = value;
    this.draw();
    this.update();
    this.onchange();
  }

  // Says what is known of the pair. Of two questions the later one counts.
  async update() {
    const { source, target } = this.languages;
    const ticket = (this.ticket = (this.ticket ?? 0) + 1);
    if (!target || source === target) { this.line.textContent = ""; return; }
    const about = await this.server.about_pair({ model: this.value.id, source: source || (target === "en" ? "fr" : "en"), target });
    if (ticket !== this.ticket || about.error) return;
    if (!this.value.id && about.model) { this.chat = about.model; this.draw(); }
    if (source) this.languages.mark(about.levels);
    this.line.classList.toggle("poor", ["poor", "untrained"].includes(about.level) && Boolean(source));
    this.line.replaceChildren(...(source && about.level ? this.sentence(about) : []));
  }

  sentence({ level, score, missing, better }) {
    const first = level === "untrained" ? t("tr_pair_untrained", { language: nameOf(missing) }) : t(`tr_pair_${level}`, { score: number.format(score) });
    if (!better) return [first];
    // One that stands beside the chat's is a press away; the chat's own is changed in the frame.
    return [`${first} `, better.id ? button(t("tr_pair_better", { name: better.name }), { text: true, class: "tr-better", onclick: () => this.set(better) }) : t("tr_pair_better", { name: better.name })];
  }

  async open() {
    const cards = h("div", { class: "cards" });
    const rest = h("div", {});
    const panel = popover(this.button, h("div", { class: "model-panel" }, h("h3", {}, t("tr_model_choose")), h("p", { class: "hint" }, t("tr_model_about")), cards, rest),
      { label: t("tr_model_choose"), className: "panel wide" });
    const use = (value) => { panel.dismiss(); this.set(value); };
    const offer = await this.server.translation_models({ source: this.languages.source, target: this.languages.target });
    if (offer.error) { cards.replaceChildren(h("p", { class: "problem" }, offer.error)); return; }
    this.chat = offer.chat;
    this.draw();
    cards.replaceChildren(this.card({ ...CHAT, name: offer.chat || t("no_model"), good_at: t("tr_model_chat_about"), here: true }, use),
      ...offer.models.filter((model) => model.fits || model.id === this.value.id).map((model) => this.card(model, use)));
    rest.replaceChildren(offer.may_type ? this.field(use) : "");
    panel.place();
  }

  card(model, use) {
    const current = model.id === this.value.id;
    return h("section", { class: current ? "card current" : "card", "aria-label": model.name },
      h("div", { class: "card-title" }, h("strong", {}, model.name), current ? h("span", { class: "badge" }, t("tr_model_current")) : null),
      h("p", {}, model.good_at), current ? null : button(model.here ? t("use") : t("tr_model_fetch", { size: model.size }), { text: true, class: "primary", onclick: () => use({ id: model.id, name: model.name }) }));
  }

  field(use) {
    const input = h("input", { type: "text", id: "tr-model-other", placeholder: "Helsinki-NLP/opus-mt-en-es" });
    const take = () => { const id = input.value.trim(); if (id) use({ id, name: id.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) }); };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") take(); });
    return h("div", { class: "custom-model" }, h("label", { for: "tr-model-other" }, t("tr_model_other")), h("div", { class: "row" }, input, button(t("use"), { text: true, onclick: take })));
  }
}
