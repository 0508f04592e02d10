// "Change a word and see": a card at a word, and what came of every change, before and after side by side.

import { announce, button, h, popover, t, toast } from "../dom.js";
import { beforeAndAfter } from "./bars.js";
import { verdictText } from "./words.js";

export class Tries {
  // `reader()` gives the words of the text, `run()` the run that is shown.
  constructor({ server, reader, run, onrefuse }) {
    Object.assign(this, { server, reader, run, onrefuse });
    this.list = h("div", { class: "se-tries" });
    this.forget = button(t("se_tries_clear"), { text: true, class: "se-quiet", onclick: () => this.drop() });
    this.element = h("section", { class: "se-section", hidden: true, "aria-label": t("se_tries") },
      h("div", { class: "se-section-head" }, h("h2", {}, t("se_tries")), this.forget), h("p", { class: "hint" }, t("se_tries_about")), this.list);
  }

  clear() { this.element.hidden = true; this.list.replaceChildren(); }

  show(tries = []) {
    const { overall, labels } = this.run();
    const names = labels.map(([name]) => name);
    this.element.hidden = false;
    this.forget.hidden = !tries.length;
    this.list.replaceChildren(...[...tries].reverse().map((one) => this.row(one, overall.probabilities, names)));
  }

  row(one, before, names) {
    const change = h("p", { class: "se-try-words", dir: "auto" }, one.from.trim() ? h("del", {}, one.from.trim()) : "", " → ", one.to.trim() ? h("ins", {}, one.to.trim()) : h("em", {}, t("se_left_out")));
    if (!one.probabilities) return h("article", { class: "se-try" }, change, h("p", { class: "problem" }, one.error ?? ""));
    const [was, is] = [verdictText(before, names), verdictText(one.probabilities, names)];
    return h("article", { class: "se-try" }, h("div", { class: "se-try-head" }, change, h("span", { class: "hint" }, was === is ? t("se_try_same", { label: is }) : t("se_try_other", { before: was, after: is }))),
      beforeAndAfter(before, one.probabilities, names));
  }

  // The card at a word; it may grow to the words beside.
  open(word, anchor) {
    const { words } = this.reader();
    const { source } = this.reader();
    let [first, last] = [word.index, word.index];
    const span = () => [words[first].start, words[last].end];
    const part = () => source.slice(...span());
    const box = h("input", { type: "text", id: "se-change", maxLength: 200, autofocus: true, dir: "auto", "aria-describedby": "se-change-about" });
    const head = h("h3", { dir: "auto" });
    const does = word.without ? h("p", { class: "se-does" }, this.reader().effect(word)) : null;
    let card;
    const fit = () => { head.textContent = t("se_change_title", { word: part() }); does?.toggleAttribute("hidden", first !== last); box.value = part(); this.reader().light([span()]); box.select(); };
    const widen = (step) => { if (step < 0) first = Math.max(0, first - 1); else last = Math.min(words.length - 1, last + 1); fit(); };
    const see = (to) => { card.dismiss(); this.tryOut(span(), to); };
    box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); if (box.value !== part()) see(box.value); } });
    const content = h("div", { class: "se-change" }, head, does ?? "", h("label", { for: "se-change" }, t("se_change_to")), box, h("p", { class: "hint", id: "se-change-about" }, t("se_change_about")),
      h("div", { class: "row" }, button(t("se_see"), { text: true, class: "primary", onclick: () => see(box.value) }), button(t("se_leave_out"), { text: true, onclick: () => see("") })),
      h("div", { class: "row" }, button(t("se_wider_left"), { text: true, iconName: "left", class: "se-quiet", onclick: () => widen(-1) }), button(t("se_wider_right"), { text: true, iconName: "right", class: "se-quiet", onclick: () => widen(1) })));
    card = popover(anchor, content, { label: t("se_tries"), className: "panel se-popover", onclose: () => this.reader().light([]) });
    fit();
    box.focus();
  }

  async tryOut(span, to) {
    const run = this.run();
    const waiting = h("article", { class: "se-try waiting" }, h("p", { class: "hint" }, t("se_trying")));
    this.list.prepend(waiting);
    this.element.scrollIntoView({ block: "nearest" });
    const answer = await this.server.try_text({ run: run.id, span, to });
    waiting.remove();
    if (this.run()?.id !== run.id) return;
    if (answer.error) { this.onrefuse(answer.error); return; }
    this.show(answer.tries);
    const last = answer.tries.at(-1);
    if (last.probabilities) announce(verdictText(last.probabilities, run.labels.map(([name]) => name)));
    this.element.scrollIntoView({ block: "nearest" });
  }

  async drop() {
    const run = this.run();
    const answer = await this.server.forget_tries({ run: run.id });
    if (answer.error) { this.onrefuse(answer.error); return; }
    this.show([]);
    toast(t("se_tries_gone"), { action: t("undo"), onaction: async () => {
      const back = await this.server.forget_tries({ run: run.id, undo: true });
      if (this.run()?.id === run.id && !back.error) this.show(back.tries);
    } });
  }
}
