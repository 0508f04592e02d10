// Who judges: the chat's model, or a classifier from the Hub; and what the labels of a classifier are called, where its
// maker gave them no names.

import { button, h, icon, memory, popover, t } from "../dom.js";
import { typed } from "./others.js";
import { labelName } from "./words.js";

export class JudgeChoice {
  // `onchange()` when another one judges, or its labels have got names.
  constructor({ server, onchange }) {
    Object.assign(this, { server, onchange, id: "", name: "" });
    this.said = h("span", {}, t("se_judge_chat"));
    this.anchor = h("button", { type: "button", class: "se-more", "aria-haspopup": "dialog", title: t("se_judge_tip"), onclick: () => this.open() }, icon("sliders"), this.said);
    this.naming = h("div", { class: "se-naming", hidden: true });
    this.element = h("div", { class: "se-model" }, this.anchor, this.naming);
  }

  get value() { return { model: this.id, names: this.namesOf(this.id) }; }

  get fixedText() { return this.id ? t("se_fixed_labels", { model: this.name }) : ""; }

  namesOf(id) {
    try { return id ? JSON.parse(memory.get(`sentiment_names_${id}`) ?? "{}") : {}; } catch { return {}; }
  }

  take(id, name = "") {
    this.id = id;
    this.name = name || id;
    this.said.textContent = id ? this.name : t("se_judge_chat");
    this.anchor.classList.toggle("set", Boolean(id));
  }

  async open() {
    const list = h("div", { class: "se-models" }, h("p", { class: "hint" }, t("se_models_asking")));
    const card = popover(this.anchor, list, { label: t("se_judge_tip"), className: "panel se-popover", align: "end" });
    const { error, chat = "", classifiers = [], may_type: mayType } = await this.server.sentiment_models({});
    if (!card.panel.isConnected) return;
    const choose = ({ model, name }) => { card.dismiss(); if (model === this.id) return; this.take(model, name); this.onchange(); };
    const one = (id, name, about) => h("button", { type: "button", class: "option", role: "menuitemradio", "aria-checked": String(id === this.id), onclick: () => choose({ model: id, name }) }, h("strong", {}, name), h("span", {}, about));
    list.replaceChildren(h("h3", {}, t("se_judge_tip")), error ? h("p", { class: "problem" }, error) : "",
      one("", chat || t("se_judge_chat"), t("se_judge_chat_about")),
      ...classifiers.map((model) => one(model.id, model.name, [model.good_at, model.here ? "" : t("se_download", { size: model.size })].filter(Boolean).join(" "))),
      ...(mayType ? typed(({ model }) => choose({ model, name: model.split("/").pop() })) : []));
    card.place();
  }

  // A run's labels without names: what do they mean? Null takes the question away.
  ask(run) {
    const names = this.namesOf(this.id);
    this.naming.hidden = !run?.nameless?.some((label) => !names[label]);
    if (this.naming.hidden) { this.naming.replaceChildren(); return; }
    const boxes = run.nameless.map((label) => h("input", { type: "text", maxLength: 60, value: names[label] ?? "", placeholder: labelName("negative"), "aria-label": t("se_naming_one", { label }), "data-label": label }));
    const use = button(t("se_naming_use"), { text: true, class: "primary", onclick: () => {
      const given = Object.fromEntries(boxes.map((box) => [box.dataset.label, box.value.trim()]).filter(([, name]) => name));
      memory.set(`sentiment_names_${this.id}`, JSON.stringify({ ...names, ...given }));
      this.onchange();
    } });
    this.naming.replaceChildren(h("p", {}, t("se_naming", { model: run.model })), ...boxes.map((box) => h("label", {}, h("span", { class: "mono" }, box.dataset.label), box)), use);
  }
}
