// What the text speaks of, and what it says about each; a visitor may name more.

import { button, composing, h, t } from "../dom.js";
import { stacked } from "./bars.js";
import { percent, verdictOf, verdictText } from "./words.js";

export class Aspects {
  // `onlight(spans)` shows places of the text.
  constructor({ server, run, onlight, onrefuse }) {
    Object.assign(this, { server, run, onlight, onrefuse });
    this.list = h("div", { class: "se-rows" });
    this.box = h("input", { type: "text", id: "se-aspect", maxLength: 60, dir: "auto", placeholder: t("se_aspect_placeholder") });
    this.go = button(t("se_aspect_add"), { text: true, onclick: () => this.add() });
    this.box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !composing(event)) { event.preventDefault(); this.add(); } });
    this.refused = h("p", { class: "problem", hidden: true, role: "alert" });
    this.element = h("section", { class: "se-section", hidden: true, "aria-label": t("se_aspects") }, h("h2", {}, t("se_aspects")), h("p", { class: "hint" }, t("se_aspects_about")),
      this.list, this.refused, h("div", { class: "se-add" }, h("label", { for: "se-aspect", class: "unseen" }, t("se_aspect_placeholder")), this.box, this.go));
  }

  clear() { this.element.hidden = true; this.list.replaceChildren(); this.refused.hidden = true; this.box.value = ""; }

  show(view) {
    const names = view.labels.map(([name]) => name);
    this.element.hidden = false;
    const rows = (view.aspects ?? []).filter((one) => one.probabilities);
    this.list.replaceChildren(...(rows.length ? rows.map((one) => this.row(one, names, view.independent)) : [h("p", { class: "hint" }, t("se_aspects_none"))]));
  }

  row(one, names, independent) {
    const { share } = verdictOf(one.probabilities, independent);
    return h("button", { type: "button", class: "se-row", title: t("se_aspect_tip"), onclick: () => this.onlight(one.clauses, true), onpointerenter: () => this.onlight(one.clauses), onpointerleave: () => this.onlight([]),
      onfocus: () => this.onlight(one.clauses), onblur: () => this.onlight([]) },
    h("strong", { dir: "auto" }, one.name), stacked(one.probabilities, names), h("span", { class: "se-row-said" }, `${verdictText(one.probabilities, names, independent)} ${percent(share)}`));
  }

  async add() {
    const run = this.run();
    const name = this.box.value.trim();
    if (!name) { this.box.focus(); return; }
    this.go.disabled = true;
    const answer = await this.server.judge_aspect({ run: run.id, name });
    this.go.disabled = false;
    if (this.run()?.id !== run.id) return;
    this.refused.hidden = !answer.error;
    this.refused.textContent = answer.error ?? "";
    if (answer.error) return;
    this.box.value = "";
    this.show({ ...run, aspects: answer.aspects });
    run.aspects = answer.aspects;
  }
}
