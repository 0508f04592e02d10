// The second level: cards that stay folded, and ask the server for nothing, until somebody opens them.

import { h, t } from "../dom.js";
import { Steps } from "./steps.js";
import { WhatIf } from "./whatif.js";

export class SecondLevel {
  constructor({ run, server, target, onhead }) {
    this.target = target;
    this.cards = [["how", new Steps({ run, server, onhead })], ...(run.kind === "chat" ? [["what", new WhatIf({ run, server })]] : [])].map(([name, content]) => ({
      content,
      fold: h("details", { class: `look-card look-fold look-${name}`, ontoggle: () => this.update() },
        h("summary", {}, h("h2", {}, t(`${name}_title`)), h("span", { class: "hint" }, t(`${name}_about`))), content.element),
    }));
    this.element = h("div", { class: "look-second" }, this.cards.map(({ fold }) => fold));
  }

  // Unfolds one card by its name.
  open(name) {
    if (this.foldOf(name)) this.foldOf(name).open = true;
  }

  isOpen(name) { return Boolean(this.foldOf(name)?.open); }

  foldOf(name) { return this.element.querySelector(`.look-${name}`); }

  // The head or the word has changed, or a card was opened.
  update() {
    for (const { fold, content } of this.cards) if (fold.open) content.show(this.target());
  }
}
