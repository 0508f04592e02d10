// A small card at a value: where it stands, how it was found, and a line to change it in.

import { button, composing, h, number, popover, t } from "../dom.js";
import { shownValue, sureness } from "./words.js";

const MOST_PLACES = 12;

function whence(value, model) {
  const said = [];
  if (value.origin === "rule") said.push(t("ex_from_rule"));
  else if (value.origin === "hand") said.push(t("ex_from_hand"));
  else said.push(t("ex_from_model", { model: model || t("ex_the_model") }), value.sure === null ? "" : sureness(value.sure));
  if (value.how === "none") said.push(t("ex_how_none"));
  else if (value.how === "fuzzy") said.push(t("ex_how_fuzzy"));
  else if (value.how === "number" || value.how === "date") said.push(t("ex_how_same"));
  return said.filter(Boolean).join(" ");
}

// `value` null: one is to be written. `onsave(text)` with "" to take it away; `onshow(span)` for one of its places.
export function openCard({ anchor, value, field, name, model, onsave, onshow, onclose }) {
  let card;
  const save = (text) => { card.dismiss(); onsave(text); };
  const options = field.type === "yes_no" ? ["yes", "no"] : field.type === "choice" ? field.choices : null;
  const input = options
    ? h("select", { id: "ex-edit" }, h("option", { value: "" }, t("ex_missing")), ...options.map((one) => h("option", { value: one }, shownValue(field, one))))
    : h("input", { type: "text", id: "ex-edit", maxLength: 2000, dir: "auto", autocomplete: "off", autofocus: !value });
  input.value = value?.text ?? "";
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !composing(event)) { event.preventDefault(); save(input.value.trim()); } });
  const places = (value?.spans ?? []).slice(0, MOST_PLACES).map((span, index) => button(t("ex_place", { number: number.format(index + 1) }), { text: true, class: "ex-place", onclick: () => onshow(span) }));
  card = popover(anchor, h("div", { class: "ex-card" },
    h("h3", {}, name),
    value ? h("p", {}, whence(value, model)) : null,
    places.length ? h("div", { class: "ex-places" }, h("span", {}, t(places.length > 1 ? "ex_places" : "ex_places_one")), ...places) : null,
    h("label", { for: "ex-edit" }, t(value ? "ex_edit" : "ex_write")), input,
    h("div", { class: "ex-card-foot" }, button(t("ex_keep"), { text: true, class: "primary", onclick: () => save(input.value.trim()) }),
      value ? button(t("ex_take_away"), { iconName: "trash", text: true, onclick: () => save("") }) : null)),
  { label: name, className: "panel ex-popover", onclose });
}
