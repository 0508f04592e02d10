// What is to be looked into: the visitor's own text or an example, and the wait for it.

import { composing, h, number, t } from "../dom.js";
import { aboutOf, examplesOf } from "./model.js";

const LONGEST_CHARACTERS = 100_000;

export class Entry {
  // `model` is the choice of whose attention it is, which stands beside the text.
  constructor({ model, onlook, onstop, ontour }) {
    Object.assign(this, { model, onlook, onstop });
    this.busy = false;
    this.box = h("textarea", { rows: 3, maxLength: LONGEST_CHARACTERS, placeholder: t("look_placeholder"), "aria-label": t("look_own_text"), dir: "auto" });
    this.go = h("button", { type: "button", class: "b primary look-go", onclick: () => this.press() }, t("look_inside"));
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.bar = h("progress", { max: "1", hidden: true, "aria-label": t("look_reading_label") });
    this.limits = t("look_limits");
    this.line = h("p", { class: "look-wait" }, this.limits);
    this.tour = tourButton(ontour);
    this.chips = h("div", { class: "look-examples" });
    this.offer("chat");
    this.element = h("section", { class: "look-entry", "aria-label": t("look_own_text") },
      h("div", { class: "look-box" }, this.box, model.element, this.go), model.extra, h("div", { class: "look-under" }, this.line, this.bar), this.problem, this.chips);
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !composing(event)) { event.preventDefault(); this.press(); }
    });
    this.box.addEventListener("input", () => { this.problem.hidden = true; });
  }

  // The examples for a kind of model; the tour is of the chat's.
  offer(kind) {
    this.limits = t(kind === "chat" ? "look_limits" : "look_limits_small");
    if (!this.busy) this.line.textContent = this.limits;
    this.chips.replaceChildren(...examplesOf(kind).map((name) => h("button", { type: "button", class: "example", onclick: () => this.use(name) },
      h("strong", {}, t(`look_example_${name}`)), h("span", {}, t(`look_example_${name}_text`)))), ...(kind === "chat" ? [this.tour] : []));
  }

  use(name) {
    this.box.value = t(`look_example_${name}_text`);
    this.model.translation.value = ""; // it was of another text
    if (!this.busy) this.onlook(this.box.value, t(`look_example_${name}_focus`));
  }

  press() {
    if (this.busy) { this.onstop(); return; }
    if (!this.box.value.trim()) { this.box.focus(); return; }
    this.onlook(this.box.value, null);
  }

  // The state of the run that is being made, or null when none is.
  wait(view) {
    this.busy = view !== null;
    this.go.textContent = t(this.busy ? "stop" : "look_inside");
    this.go.classList.toggle("stopping", this.busy);
    this.element.classList.toggle("busy", this.busy);
    this.bar.hidden = !this.busy;
    if (!view) { this.line.textContent = this.limits; return; }
    this.problem.hidden = true;
    const total = view.total ?? 0;
    if (view.phase === "reading" && total) this.bar.value = view.done / total;
    else this.bar.removeAttribute("value");
    this.line.textContent = view.phase === "writing" ? t("look_writing", { done: number.format(view.done ?? 0) }) : view.phase === "opening" ? t("look_opening", { detail: view.detail ?? "" })
      : !total ? t("look_starting") : t("look_reading", { done: number.format(view.done ?? 0), total: number.format(total) });
  }

  refused(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = false;
  }

  // With a result on the page the examples step back to one line.
  settle(done) { this.element.classList.toggle("settled", done); }
}

export function emptyScreen({ ontour }) {
  return h("div", { class: "look-empty" }, h("h1", {}, t("look_title")), h("p", {}, aboutOf("chat")), tourButton(ontour));
}

function tourButton(ontour) {
  return h("button", { type: "button", class: "b look-tour-open", "data-tip": t("tour_about"), onclick: (event) => ontour(event.currentTarget) }, t("tour_take"));
}

