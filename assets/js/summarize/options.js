// How the summary shall be: its form as a row of chips; length, a question and the language under More.

import { h, icon, memory, number, popover, t } from "../dom.js";
import { nameOf } from "./words.js";

const MOST = 12;
const QUESTION_DELAY_MS = 500;

export class Options {
  // `onchange(what)` hears what was changed: "form", "length", "focus" or "into".
  constructor({ onchange }) {
    this.onchange = onchange;
    this.forms = [];
    this.codes = [];
    this.value = { form: memory.get("summarize_form") ?? "bullets", length: null, focus: "", into: "" };
    this.chips = h("div", { class: "sm-forms", role: "radiogroup", "aria-label": t("sm_form"), onkeydown: (event) => this.key(event) });
    this.said = h("span", {});
    this.more = h("button", { type: "button", class: "sm-more", "aria-haspopup": "dialog", onclick: () => this.open() }, icon("sliders"), this.said);
    this.element = h("div", { class: "sm-options" }, this.chips, this.more);
  }

  offer({ forms = [], languages = [] }) {
    this.forms = forms;
    this.codes = languages.map(([code]) => code);
    this.rightToLeft = new Set(languages.filter(([, rightToLeft]) => rightToLeft).map(([code]) => code));
    if (!forms.some(([form]) => form === this.value.form)) this.value.form = forms[0]?.[0] ?? "bullets";
    this.draw();
  }

  draw() {
    this.chips.replaceChildren(...this.forms.map(([form]) => {
      const chosen = form === this.value.form;
      return h("button", { type: "button", class: "sm-form", role: "radio", "aria-checked": String(chosen), tabindex: chosen ? "0" : "-1", "data-form": form, title: t(`sm_form_${form}_about`), onclick: () => this.choose(form) }, t(`sm_form_${form}`));
    }));
    const { length, focus, into } = this.value;
    const said = [length && this.value.form !== "sentence" ? this.count(length) : "", focus ? t("sm_focus_short") : "", into ? nameOf(into) : ""].filter(Boolean);
    this.said.textContent = said.length ? said.join(" · ") : t("more");
    this.more.setAttribute("aria-label", said.length ? `${t("more")}: ${said.join(", ")}` : t("more"));
    this.more.classList.toggle("set", said.length > 0);
  }

  choose(form) {
    if (form === this.value.form) return;
    this.value.form = form;
    memory.set("summarize_form", form);
    this.draw();
    this.onchange("form");
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = this.forms.findIndex(([form]) => form === this.value.form);
    this.choose(this.forms[(at + step + this.forms.length) % this.forms.length][0]);
    this.chips.querySelector("[aria-checked=true]").focus();
  }

  // What a summary from before was asked with.
  set(value) {
    this.value = { form: value.form ?? this.value.form, length: value.length ?? null, focus: value.focus ?? "", into: value.into ?? "" };
    this.draw();
  }

  count(length) {
    const isList = ["bullets", "key_points"].includes(this.value.form);
    return t(isList ? (length === 1 ? "sm_points_one" : "sm_points") : length === 1 ? "sm_sentences_one" : "sm_sentences", { count: number.format(length) });
  }

  open() {
    const { form } = this.value;
    const usual = this.forms.find(([name]) => name === form)?.[1] ?? 1;
    const change = (name, value) => { this.value[name] = value; this.draw(); this.onchange(name); };
    const length = h("select", { id: "sm-length", disabled: form === "sentence", onchange: () => change("length", length.value ? Number(length.value) : null) },
      h("option", { value: "" }, t("sm_length_usual", { count: this.count(usual) })), ...Array.from({ length: MOST }, (_, index) => h("option", { value: String(index + 1) }, this.count(index + 1))));
    length.value = this.value.length ? String(this.value.length) : "";
    let timer;
    const focus = h("input", { type: "text", id: "sm-focus", value: this.value.focus, maxLength: 300, placeholder: t("sm_focus_placeholder"), oninput: () => { clearTimeout(timer); timer = setTimeout(() => change("focus", focus.value.trim()), QUESTION_DELAY_MS); } });
    const into = h("select", { id: "sm-into", onchange: () => change("into", into.value) }, h("option", { value: "" }, t("sm_into_same")), ...this.codes.map((code) => h("option", { value: code }, nameOf(code))));
    into.value = this.value.into;
    popover(this.more, h("div", { class: "sm-settings" },
      h("label", { for: "sm-length" }, t("sm_length")), length,
      h("label", { for: "sm-focus" }, t("sm_focus")), focus, h("p", { class: "hint" }, t("sm_focus_about")),
      h("label", { for: "sm-into" }, t("sm_into")), into, h("p", { class: "hint" }, t("sm_into_about"))),
    { label: t("more"), className: "panel sm-popover", align: "end", onclose: () => { if (focus.value.trim() !== this.value.focus) { clearTimeout(timer); change("focus", focus.value.trim()); } } });
  }
}
