// What texts are sorted into: sets with names, and a list of one's own; kept for the next visit.

import { button, h, icon, memory, popover, t } from "../dom.js";
import { labelName } from "./words.js";

const SETS = ["sentiment", "emotions", "urgency", "topics", "own"];
const CHECK_MS = 400;

export class Labels {
  // `onchange()` when other labels hold.
  constructor({ server, onchange }) {
    Object.assign(this, { server, onchange });
    this.set = memory.get("sentiment_set") ?? "sentiment";
    this.own = memory.get("sentiment_own") ?? "";
    if (!SETS.includes(this.set) || (this.set === "own" && !this.own)) this.set = "sentiment";
    this.chips = h("div", { class: "se-sets", role: "radiogroup", "aria-label": t("se_labels"), onkeydown: (event) => this.key(event) });
    this.change = button(t("se_own_change"), { iconName: "edit", hidden: true, onclick: () => this.edit() });
    this.fixed = h("span", { class: "se-fixed", hidden: true });
    this.element = h("div", { class: "se-labels" }, this.chips, this.change, this.fixed);
    this.draw();
  }

  // What the server reads.
  get value() { return this.set === "own" ? { set: "own", own: this.own } : { set: this.set }; }

  draw() {
    this.chips.replaceChildren(...SETS.map((set) => {
      const chosen = set === this.set;
      return h("button", { type: "button", class: "se-set", role: "radio", "aria-checked": String(chosen), tabindex: chosen ? "0" : "-1", "data-set": set,
        title: t(`se_set_${set}_about`), onclick: () => this.choose(set) }, set === "own" && !this.own ? icon("plus") : null, t(`se_set_${set}`));
    }));
    this.change.hidden = this.set !== "own" || this.chips.hidden;
  }

  choose(set) {
    if (set === "own" && (!this.own || this.set === "own")) { this.edit(); return; }
    if (set === this.set) return;
    this.take({ set });
    this.onchange();
  }

  // Labels that something from before was judged by.
  take({ set, own = "" }) {
    if (!SETS.includes(set) || (set === "own" && !(own || this.own))) return;
    this.set = set;
    if (set === "own" && own) this.own = own;
    memory.set("sentiment_set", set);
    memory.set("sentiment_own", this.own);
    this.draw();
  }

  // A classifier has labels of its own: they are named instead of a choice.
  fix(text) {
    this.chips.hidden = Boolean(text);
    this.fixed.hidden = !text;
    this.fixed.textContent = text;
    this.change.hidden = Boolean(text) || this.set !== "own";
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const sets = SETS.filter((set) => set !== "own" || this.own);
    this.choose(sets[(sets.indexOf(this.set) + step + sets.length) % sets.length]);
    this.chips.querySelector("[aria-checked=true]").focus();
  }

  // The list of one's own, checked while it is written.
  edit() {
    const anchor = this.chips.querySelector("[data-set=own]");
    const seen = h("div", { class: "se-own-seen", "aria-live": "polite" });
    const box = h("textarea", { id: "se-own", rows: "6", maxlength: "3000", placeholder: t("se_own_placeholder"), autofocus: true });
    box.value = this.own;
    let card, timer, good = false;
    const check = async () => {
      const text = box.value;
      if (!text.trim()) { good = false; seen.replaceChildren(); use.disabled = true; return; }
      const { labels, error } = await this.server.check_labels({ labels: { set: "own", own: text } });
      if (text !== box.value) return;
      good = !error;
      use.disabled = !good;
      seen.replaceChildren(...(error ? [h("p", { class: "problem" }, error)] : labels.map(([name, ...words]) => h("span", { class: "se-own-label", title: words.join(", ") }, labelName(name)))));
      card.place();
    };
    const use = button(t("se_own_use"), { text: true, class: "primary", disabled: true, onclick: async () => {
      await check();
      if (!good) return;
      card.dismiss();
      this.take({ set: "own", own: box.value });
      this.onchange();
    } });
    box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(check, CHECK_MS); });
    box.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); use.click(); } });
    card = popover(anchor, h("div", { class: "se-own" }, h("h3", {}, t("se_set_own")), h("label", { for: "se-own" }, t("se_own_about")), box, seen, h("div", { class: "row end" }, use)),
      { label: t("se_set_own"), className: "panel se-popover" });
    box.focus();
    check();
  }
}
