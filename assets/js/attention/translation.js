// What a translation is, and at which moment it is looked from.

import { h, t } from "../dom.js";

export function translationCard({ generated, translation, model }, onedit) {
  return h("section", { class: "look-card look-next align-translation" }, h("h2", {}, t("align_target")),
    h("p", { class: "hint" }, t(generated ? "align_made" : "align_typed", { model })), h("p", { dir: "auto" }, translation),
    h("button", { type: "button", class: "b b-text align-change", onclick: () => onedit(translation) }, t("align_change")));
}

// A model looks when it writes a word, and again when it has read it: "" or "read", a part of the run.
export function momentField(onchange) {
  const field = h("select", { id: "align-moment", "aria-label": t("align_when") },
    ["", "read"].map((name) => h("option", { value: name }, t(name ? "align_when_read" : "align_when_written"))));
  field.addEventListener("change", () => onchange(field.value));
  return h("div", { class: "align-moment", "data-tip": t("align_when_about") }, field);
}
