// The text: a box to write in, or, once it is judged, a place where its words are shown.

import { button, composing, h, memory, number, t } from "../dom.js";

const LONGEST = 20_000;
const DRAFT_MS = 400;

export class Source {
  // `onpress()` for the button, `onedit()` when the judged text is to be written in again, `onclear()`.
  constructor({ reader, onpress, onedit, onclear }) {
    this.reader = reader;
    this.box = h("textarea", { id: "se-text", placeholder: t("se_placeholder"), "aria-label": t("se_text"), dir: "auto", spellcheck: "false" });
    this.meter = h("span", { class: "se-meter", "aria-live": "polite" });
    this.edit = button(t("se_edit"), { iconName: "edit", text: true, hidden: true, onclick: () => { onedit(); this.box.focus(); } });
    this.clear = button(t("se_clear"), { iconName: "close", hidden: true, onclick: () => { this.put(""); onclear(); this.box.focus(); } });
    this.go = h("button", { type: "button", class: "b primary se-go", title: "Ctrl + Enter", onclick: onpress }, t("se_judge"));
    this.element = h("section", { class: "se-pane se-source", "aria-label": t("se_text") }, h("div", { class: "se-paper" }, this.box, reader.element),
      h("div", { class: "se-foot" }, this.meter, h("div", { class: "row" }, this.edit, this.clear), this.go));
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !composing(event)) { event.preventDefault(); onpress(); }
    });
    reader.element.hidden = true;
  }

  get text() { return this.box.value; }

  get empty() { return !this.box.value.trim(); }

  changed() {
    const { length } = this.text;
    this.clear.hidden = !length;
    this.meter.textContent = length ? t(length > LONGEST ? "se_too_long" : "se_characters", { characters: number.format(length), most: number.format(LONGEST) }) : "";
    this.meter.classList.toggle("refused", length > LONGEST);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => memory.set("sentiment_draft", length <= LONGEST ? this.text : null), DRAFT_MS);
  }

  put(text) {
    this.box.value = text;
    this.changed();
    this.write();
  }

  // The text as a page to read, or as a box to write in.
  read() { this.turn(true); }

  write() { this.turn(false); }

  turn(reading) {
    this.box.hidden = reading;
    this.reader.element.hidden = !reading;
    this.edit.hidden = !reading;
  }

  wait(busy, stopping) {
    this.go.textContent = t(stopping ? "se_stopping" : busy ? "stop" : "se_judge");
    this.go.classList.toggle("stopping", busy);
    this.go.disabled = stopping;
    this.edit.disabled = busy;
    this.clear.disabled = busy;
  }
}
