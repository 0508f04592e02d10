// Whose attention: the chat's model, or another one beside it. For a translation model also what it shall compare with.

import { bus, button, h, icon, page, popover, t } from "../dom.js";

const CHAT = { id: "", name: "", kind: "chat" };
// What a run is of -> what kind of model made it.
const KIND_OF_RUN = { cross: "translator", source: "translator", translation: "translator" };

export class ModelChoice {
  // `onchange(kind)` is told when another kind of model is chosen.
  constructor({ server, onchange, onlook }) {
    Object.assign(this, { server, onchange });
    this.value = CHAT;
    this.chat = "";
    this.name = h("span", { class: "look-model-name" });
    this.element = h("button", { type: "button", class: "b look-model", "aria-haspopup": "dialog", onclick: () => this.open() }, this.name, icon("down"));
    this.translation = h("textarea", { id: "look-translation", rows: 1, dir: "auto", placeholder: t("look_translation_empty") });
    this.translation.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); onlook(); }
    });
    this.languages = h("div", { class: "row look-languages", hidden: true });
    this.extra = h("div", { class: "look-translation", hidden: true });
    bus.on("model-ready", (state) => { this.chat = state.name; this.draw(); });
    this.draw();
  }

  // What the server has to know to make a run of it.
  get wish() {
    const code = (name) => this.languages.querySelector(`[name=${name}]`)?.value ?? "";
    const translates = this.value.kind === "translator" || !this.extra.hidden;
    return { model: this.value.id, translation: translates ? this.translation.value.trim() : "", source_language: code("from"), target_language: code("to") };
  }

  set(value) {
    const changed = value.id !== this.value.id;
    const kind = value.kind !== this.value.kind;
    this.value = value;
    if (changed) { this.languages.hidden = true; this.languages.replaceChildren(); this.translation.value = ""; }
    this.draw();
    if (kind) this.onchange(value.kind);
  }

  // The page shows a run now: what is chosen is what made it.
  adopt(run) {
    this.set(run.model_id ? { id: run.model_id, name: run.model, kind: KIND_OF_RUN[run.kind] ?? run.kind } : CHAT);
    if (!run.model_id) { this.chat = run.model; this.draw(); }
    if (run.languages?.length) this.offerLanguages(run);
    if (run.kind === "cross" && !run.generated) this.translation.value ||= run.translation;
  }

  // Lets the visitor change what the translation says; the run on the page stays until the next look.
  edit(text) {
    this.extend(true);
    this.translation.value = text;
    this.translation.focus();
  }

  offerLanguages({ languages, source_language: from, target_language: to }) {
    const field = (name, label, chosen) => {
      const select = h("select", { name, "aria-label": label }, languages.map((code) => h("option", { value: code }, code.replace(/[<>]/g, ""))));
      select.value = chosen;
      return h("label", { class: "row" }, h("span", {}, label), select);
    };
    // Some are told the language to write alone.
    const both = !languages[0].startsWith(">>");
    this.languages.replaceChildren(...(both ? [field("from", t("look_translate_from"), from)] : []), field("to", t("look_translate_to"), to));
    this.languages.hidden = false;
  }

  draw() {
    const { id, name, kind } = this.value;
    const shown = id ? name : this.chat || t("look_model_chat");
    this.name.textContent = shown;
    this.element.setAttribute("aria-label", t("look_model_chosen", { name: shown }));
    this.extend(kind === "translator");
  }

  // Room for a translation, while there is a use for it.
  extend(shown) {
    if (shown === !this.extra.hidden) return;
    this.extra.hidden = !shown;
    this.extra.replaceChildren(...(shown ? [h("label", { for: "look-translation" }, t("look_translation")), this.translation, this.languages] : []));
  }

  async open() {
    const cards = h("div", { class: "cards" });
    const rest = h("div", {});
    const panel = popover(this.element, h("div", { class: "model-panel" }, h("h3", {}, t("look_model")), h("p", { class: "hint" }, t("look_model_about")), cards, rest),
      { label: t("look_model"), className: "panel wide", align: "end" });
    const use = (value) => { this.set(value); panel.dismiss(); };
    const offer = await this.server.look_models();
    if (offer.error) { cards.replaceChildren(h("p", { class: "problem" }, offer.error)); return; }
    this.chat = offer.chat;
    this.draw();
    cards.replaceChildren(this.card({ ...CHAT, name: offer.chat || t("no_model"), good_at: t("look_model_chat_about"), here: true }, use), ...offer.models.map((model) => this.card(model, use)));
    rest.replaceChildren(offer.may_type ? this.field(use) : h("p", { class: "hint" }, t("look_model_shared")));
    panel.place();
  }

  card(model, use) {
    const current = model.id === this.value.id;
    const facts = [t(`look_model_kind_${model.kind}`), model.size].filter(Boolean);
    return h("section", { class: current ? "card current" : "card", "aria-label": model.name },
      h("div", { class: "card-title" }, h("strong", {}, model.name), current ? h("span", { class: "badge" }, t("look_model_current")) : null),
      model.good_at ? h("p", {}, model.good_at) : null, h("p", { class: "hint" }, facts.join(" · ")),
      current ? null : button(model.here ? t("look_model_use") : t("look_model_fetch", { size: model.size }), { text: true, class: "primary", onclick: () => use({ id: model.id, name: model.name, kind: model.kind }) }));
  }

  // A model that is in no list: its kind is known once it is open.
  field(use) {
    const input = h("input", { type: "text", id: "look-model-other", placeholder: "org/name" });
    const take = () => {
      const id = input.value.trim();
      if (id) use({ id, name: id.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1), kind: "other" });
    };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") take(); });
    return h("div", { class: "custom-model" }, h("label", { for: "look-model-other" }, t("look_model_other")),
      h("div", { class: "row" }, input, button(t("look_model_use"), { text: true, onclick: take })), h("small", {}, t("look_model_other_hint")));
  }
}

// The examples of each kind of model, and what it does with a text.
const EXAMPLES = { chat: ["pronoun", "repetition", "translation"], translator: ["order", "agreement", "names"] };
export const examplesOf = (kind) => EXAMPLES[kind] ?? ["pronoun", "gap", "meanings"];
export const aboutOf = (kind) => t(kind === "chat" ? (page.shared ? "look_about_shared" : "look_about") : kind === "translator" ? "look_about_translator" : kind === "other" ? "look_about_other" : "look_about_encoder");
