// "Take more care": every sentence is written in several ways and the one kept that they agree on, which takes longer.

import { h, memory, t } from "../dom.js";

const STORED = "translate_care";

export class Care {
  constructor() {
    this.box = h("input", { type: "checkbox", role: "switch", checked: memory.get(STORED) === "1", "aria-describedby": "tr-care-about",
      onchange: () => memory.set(STORED, this.box.checked ? "1" : null) });
    this.element = h("div", { class: "tr-care" }, h("label", {}, this.box, h("span", {}, t("tr_care"))),
      h("span", { id: "tr-care-about", class: "tr-care-about" }, t("tr_care_about")));
  }

  get value() { return this.box.checked && !this.element.hidden; }

  // A model that does nothing but translate has one way alone.
  offer(possible) { this.element.hidden = !possible; }
}
