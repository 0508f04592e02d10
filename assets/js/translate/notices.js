// The row below both panes: what went wrong, what is being waited for, or a question to the visitor;
// and the way back to what has just gone from the page.

import { button, h, t, toast } from "../dom.js";
import { nameOf } from "./languages.js";

export class Notices {
  // `onlanguage(code)` hears which language the text is in, `onchosen(code)` that it is another one than was chosen, `onother` that it is none of those offered.
  constructor({ onlanguage, onchosen, onother }) {
    Object.assign(this, { onlanguage, onchosen, onother });
    this.element = h("div", { class: "tr-notices", "aria-live": "polite" });
  }

  clear() { this.element.replaceChildren(); }

  say(sentence) { this.element.replaceChildren(h("p", { class: "hint" }, sentence)); }

  refuse(sentence) { this.element.replaceChildren(h("p", { class: "problem", role: "alert" }, sentence)); }

  // The text is in another language than the one that was chosen.
  doubt(code) {
    this.element.replaceChildren(h("div", { class: "tr-question" }, h("span", {}, t("tr_looks_like", { language: nameOf(code) })),
      button(t("tr_use_language", { language: nameOf(code) }), { text: true, class: "tr-ask", onclick: () => this.onchosen(code) })));
  }

  ask(codes) {
    this.element.replaceChildren(h("div", { class: "tr-question", role: "group", "aria-label": t("tr_ask") }, h("span", {}, t("tr_ask")),
      ...codes.map((code) => button(nameOf(code), { text: true, class: "tr-ask", onclick: () => this.onlanguage(code) })),
      button(t("tr_ask_other"), { text: true, onclick: () => this.onother() })));
    this.element.querySelector("button").focus();
  }
}

// What is on the page goes, and comes back when the visitor wants it to: the translation, or the text that was not one yet.
export function undoable(tab, said) {
  const { run, source: { text, file } } = tab;
  const whole = run && (file || run.text === text);
  toast(said, { action: t("undo"), onaction: () => { if (!tab.busy) { if (whole) tab.open(run.id); else tab.source.put(text); } } });
}
