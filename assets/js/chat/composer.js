// Where the visitor writes: a box that grows, chips above it, one button that sends or stops.
// The draft is kept in the browser until the server says that the message is saved.

import { button, composing, h, icon, memory, page, t } from "../dom.js";

const MAX_LINES = 8;
const SILENCE_MS = 30_000;
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)").matches;

export class Composer {
  constructor({ settings, onsend, onstop, onprobabilities }) {
    Object.assign(this, { settings, onsend, onstop });
    this.running = null;
    this.box = h("textarea", { rows: 1, "aria-label": t("message"), placeholder: t("message_placeholder"), enterkeyhint: TOUCH ? "enter" : "send" });
    this.go = button(t("send"), { iconName: "send", class: "go", onclick: (event) => { if (event.detail < 2) this.press(); } });
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.line = h("p", { class: "line" });
    this.persona = h("button", { type: "button", class: "chip", "aria-haspopup": "dialog", onclick: () => settings.openPersonas(this.persona) });
    this.creativity = h("button", { type: "button", class: "chip", "aria-haspopup": "dialog", onclick: () => settings.openCreativity(this.creativity) });
    this.probabilities = h("button", { type: "button", class: "chip", "aria-pressed": "false", title: t("tip_probabilities"), "aria-label": t("show_probabilities"),
      onclick: () => onprobabilities(this.probabilities.getAttribute("aria-pressed") !== "true") }, icon("shade"), h("span", { class: "wide-only" }, t("show_probabilities")), h("span", { class: "narrow-only" }, t("probabilities")));
    this.more = h("button", { type: "button", class: "chip", "aria-haspopup": "dialog", onclick: () => settings.openAll(this.more) }, icon("sliders"), h("span", {}, t("more")));
    this.element = h("div", { class: "composer" },
      h("div", { class: "chips" }, this.persona, this.creativity, this.probabilities, this.more),
      this.problem,
      h("div", { class: "box" }, this.box, this.go), this.line);
    this.wire();
  }

  wire() {
    this.box.addEventListener("input", () => { this.fit(); this.problem.hidden = true; this.saveDraft(); });
    this.box.addEventListener("keydown", (event) => {
      // A touch keyboard has no Shift to break a line with; its Enter breaks, the button sends.
      if (event.key !== "Enter" || event.shiftKey || composing(event) || TOUCH) return;
      event.preventDefault();
      if (!this.running) this.press();
    });
    this.settings.onchange(() => {
      this.persona.replaceChildren(icon("person"), h("span", {}, this.settings.value.system_prompt !== null ? t("own_instructions") : this.settings.persona.name), icon("down"));
      this.creativity.replaceChildren(icon("spark"), h("span", {}, this.settings.creativityName), icon("down"));
    });
  }

  press() {
    if (this.pending !== undefined) return; // on its way already
    if (this.running) { this.onstop(this.running); return; }
    const text = this.box.value;
    if (!text.trim()) { this.box.focus(); return; }
    this.hand(text);
  }

  // Give a text to the server. Until it answers nothing else is sent; a server that stays silent must not lock the box.
  hand(text) {
    if (this.pending !== undefined) return;
    this.pending = text;
    this.silence = setTimeout(() => this.refused(t("lost_call")), SILENCE_MS);
    this.onsend(text);
  }

  answered() {
    clearTimeout(this.silence);
    this.pending = undefined;
  }

  // The server has the message: only now may the draft go.
  accepted() {
    // What was typed behind it meanwhile stays.
    if (this.pending !== undefined && this.box.value.startsWith(this.pending)) this.fill(this.box.value.slice(this.pending.length));
    else this.saveDraft();
    this.answered();
    this.problem.hidden = true;
  }

  refused(sentence) {
    this.answered();
    this.problem.textContent = sentence;
    this.problem.hidden = false;
  }

  fill(text) {
    this.box.value = text;
    this.fit();
    this.saveDraft();
  }

  // A new chat has got its id: what stands in the box goes on standing there.
  adopt(conversation) {
    memory.set("draft.new", null);
    this.conversation = conversation;
    this.saveDraft();
  }

  open(conversation) {
    this.conversation = conversation ?? "new";
    this.answered();
    this.box.value = memory.get(`draft.${this.conversation}`) ?? "";
    this.problem.hidden = true;
    this.fit();
  }

  saveDraft() {
    if (this.box.value.length <= page.longest_message) memory.set(`draft.${this.conversation ?? "new"}`, this.box.value);
  }

  setRunning(id) {
    if (this.running === id) return;
    this.running = id;
    const label = t(id ? "stop" : "send");
    this.go.replaceChildren(icon(id ? "stop" : "send"));
    this.go.setAttribute("aria-label", label);
    this.go.title = label;
    this.go.classList.toggle("stopping", Boolean(id));
  }

  setProbabilities(on) { this.probabilities.setAttribute("aria-pressed", String(on)); }

  setLine(text) { if (this.line.textContent !== text) this.line.textContent = text; }

  fit() {
    this.box.style.height = "auto";
    const line = parseFloat(getComputedStyle(this.box).lineHeight) || 24;
    const full = this.box.scrollHeight;
    this.box.style.height = `${Math.min(full, line * MAX_LINES + 24)}px`;
    this.box.style.overflowY = full > line * MAX_LINES + 24 ? "auto" : "hidden";
  }
}
