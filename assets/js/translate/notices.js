// The row below both panes: what went wrong, what is being waited for, or a question to the visitor.

import { button, h, t } from "../dom.js";
import { nameOf } from "./languages.js";

export class Notices {
  // `onlanguage(code)` hears which language the text is in, `onother` that it is none of those offered.
  constructor({ onlanguage, onother }) {
    Object.assign(this, { onlanguage, onother });
    this.element = h("div", { class: "tr-notices", "aria-live": "polite" });
  }

  clear() { this.element.replaceChildren(); }

  say(sentence) { this.element.replaceChildren(h("p", { class: "hint" }, sentence)); }

  refuse(sentence) { this.element.replaceChildren(h("p", { class: "problem", role: "alert" }, sentence)); }

  ask(codes) {
    this.element.replaceChildren(h("div", { class: "tr-question", role: "group", "aria-label": t("tr_ask") }, h("span", {}, t("tr_ask")),
      ...codes.map((code) => button(nameOf(code), { text: true, class: "tr-ask", onclick: () => this.onlanguage(code) })),
      button(t("tr_ask_other"), { text: true, onclick: () => this.onother() })));
    this.element.querySelector("button").focus();
  }
}
