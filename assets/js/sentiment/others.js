// Other opinions about the same text: a plain word list, and other models, which may have to be opened first.

import { button, h, number, popover, t } from "../dom.js";
import { stacked } from "./bars.js";
import { percent, verdictOf, verdictText } from "./words.js";

export class Others {
  // `oncompare(wish)` has the text judged by another model: {model} a classifier, {other} one of the chat's.
  constructor({ server, run, oncompare }) {
    Object.assign(this, { server, run, oncompare });
    this.list = h("div", { class: "se-rows" });
    this.more = button(t("se_compare"), { text: true, iconName: "plus", "aria-haspopup": "dialog", onclick: () => this.open() });
    this.element = h("section", { class: "se-section", hidden: true, "aria-label": t("se_others") }, h("h2", {}, t("se_others")), h("p", { class: "hint" }, t("se_others_about")), this.list, this.more);
  }

  clear() { this.element.hidden = true; this.list.replaceChildren(); }

  show(view) {
    this.element.hidden = false;
    const rows = [this.row({ ...view.overall, model: view.model, labels: view.labels, independent: view.independent, seconds: view.seconds }, t("se_this_one")), ...(view.others ?? []).map((one) => this.row(one))];
    if (view.lexicon) rows.push(this.lexicon(view.lexicon, view.labels.map(([name]) => name)));
    this.list.replaceChildren(...rows);
  }

  row(one, note = "") {
    const names = one.labels.map(([name]) => name);
    const said = one.probabilities ? `${verdictText(one.probabilities, names, one.independent)} ${percent(verdictOf(one.probabilities).share)}` : one.error;
    return h("div", { class: "se-row" }, h("span", { class: "se-row-name" }, h("strong", {}, one.model), h("small", {}, [note, one.seconds ? t("se_seconds", { seconds: number.format(one.seconds) }) : ""].filter(Boolean).join(" · "))),
      one.probabilities ? stacked(one.probabilities, names) : h("span", {}), h("span", { class: "se-row-said" }, said));
  }

  lexicon({ score, label, words }, names) {
    const counted = words.slice(0, 12).map(([word, value]) => `${word} ${number.format(value)}`).join(", ");
    return h("div", { class: "se-row" }, h("span", { class: "se-row-name" }, h("strong", {}, t("se_lexicon")), h("small", {}, words.length ? t("se_lexicon_words", { words: counted }) : t("se_lexicon_none"))),
      h("span", { class: "se-scale", role: "img", "aria-label": number.format(score), title: t("se_lexicon_about") }, h("span", { style: `left: ${(50 + 50 * score).toFixed(1)}%` })),
      h("span", { class: "se-row-said", title: t("se_lexicon_about") }, `${verdictText(names.map((_, index) => (index === label ? 1 : 0)), names)} ${number.format(score)}`));
  }

  async open() {
    const list = h("div", { class: "se-models" }, h("p", { class: "hint" }, t("se_models_asking")));
    const card = popover(this.more, list, { label: t("se_compare"), className: "panel se-popover" });
    const { error, others = [], classifiers = [], may_type: mayType } = await this.server.sentiment_models({});
    if (!card.panel.isConnected) return;
    const choose = (wish) => { card.dismiss(); this.oncompare(wish); };
    const one = (model, wish) => h("button", { type: "button", class: "option", onclick: () => choose(wish) }, h("strong", {}, model.name), h("span", {}, [model.good_at, model.here ? "" : t("se_download", { size: model.size })].filter(Boolean).join(" ")));
    list.replaceChildren(h("h3", {}, t("se_compare")), error ? h("p", { class: "problem" }, error) : "",
      ...(others.length ? [h("p", { class: "hint" }, t("se_compare_chat")), ...others.map((model) => one(model, { other: model.id }))] : []),
      ...(classifiers.length ? [h("p", { class: "hint" }, t("se_compare_classifiers")), ...classifiers.map((model) => one(model, { model: model.id }))] : []),
      ...(mayType ? typed(choose) : []),
      others.length || classifiers.length || mayType ? "" : h("p", { class: "hint" }, t("se_compare_none")));
    card.place();
  }
}

// A classifier that a visitor knows the name of.
export function typed(choose) {
  const box = h("input", { type: "text", id: "se-model", maxLength: 500, placeholder: "cardiffnlp/twitter-xlm-roberta-base-sentiment", "aria-label": t("se_type_model") });
  const go = () => { if (box.value.trim()) choose({ model: box.value.trim() }); else box.focus(); };
  box.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); go(); } });
  return [h("label", { class: "hint", for: "se-model" }, t("se_type_model")), h("div", { class: "row" }, box, button(t("se_type_use"), { text: true, onclick: go }))];
}
