// Where a question is written, and what is going on with it.

import { composing, h, number, t } from "../dom.js";

const LONGEST = 500;
const LINES_HIGH = 120; // pixels, before the box scrolls

export class QuestionBox {
  // `onask` for the button and Enter, `onstop` for the button while something is asked.
  constructor({ onpress }) {
    this.box = h("textarea", { id: "as-question", rows: "1", maxlength: String(LONGEST), placeholder: t("as_placeholder"), "aria-label": t("as_question"), dir: "auto" });
    this.go = h("button", { type: "button", class: "b primary as-go", title: "Enter", onclick: onpress }, t("as_ask"));
    this.bar = h("progress", { max: "1", hidden: true, "aria-label": t("as_progress") });
    this.line = h("p", { class: "as-doing", role: "status" });
    this.element = h("div", { class: "as-ask" }, this.bar, h("div", { class: "as-row" }, this.box, this.go), this.line);
    this.box.addEventListener("input", () => this.fit());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !composing(event)) { event.preventDefault(); onpress(); }
    });
  }

  get text() { return this.box.value; }

  get empty() { return !this.box.value.trim(); }

  put(text) {
    this.box.value = text;
    this.fit();
  }

  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(LINES_HIGH, this.box.scrollHeight)}px`;
  }

  // `view` is what the server tells of a question under way, null when there is none.
  wait(view) {
    const stopping = Boolean(view?.stopping);
    this.go.textContent = stopping ? t("as_stopping") : view ? t("stop") : t("as_ask");
    this.go.classList.toggle("stopping", view !== null);
    this.go.disabled = stopping;
    this.bar.hidden = !view;
    this.line.textContent = view ? progressLine(view) : "";
    if (!view) return;
    const share = view.to_read ? view.read / view.to_read : 0;
    if (view.total > 1) this.bar.value = (view.done + share) / view.total;
    else if (view.to_read) this.bar.value = share;
    else this.bar.removeAttribute("value");
  }
}

function progressLine(view) {
  if (view.stopping) return t("as_stopping");
  if (view.phase === "opening") return t("as_opening", { detail: view.detail ?? "" });
  if (view.ahead) return t("as_waiting", { ahead: number.format(view.ahead) });
  const values = { done: number.format(Math.min(view.total, (view.done ?? 0) + 1)), total: number.format(view.total ?? 0), parts: number.format(view.parts ?? 0) };
  const draft = view.draft ? ` · ${t("as_so_far", { answer: view.draft })}` : "";
  if (view.total > 1) return t("as_reading_part", values) + draft;
  if (view.phase === "reading" && view.to_read) return t("as_reading", { read: number.format(view.read), total: number.format(view.to_read) });
  return t(view.phase === "writing" ? "as_finding" : "as_starting");
}
