// The row above the views: looks from before, a link that opens this view again, and the view as a file.

import { button, copyText, h, t, toast } from "../dom.js";
import { Earlier } from "../earlier.js";
import { originOf } from "./origin.js";
import { saveMenu } from "./save.js";

const ANSWER_END = 36; // characters

export class Bar {
  // `current` gives the views that are on the page, or null; `onentry` opens an earlier look, `onforgotten` hears of one
  // that was deleted.
  constructor({ server, current, onentry, onforgotten }) {
    Object.assign(this, { server, current });
    this.earlier = new Earlier({ words: "look_earlier", server, describe, onentry, onforgotten });
    this.link = button(t("link_copy"), { iconName: "link", text: true, onclick: () => this.copyLink() });
    this.save = button(t("save"), { iconName: "download", text: true, "aria-haspopup": "dialog", onclick: (event) => saveMenu(event.currentTarget, { server, views: current() }) });
    this.origin = h("div", { class: "look-origins" });
    this.element = h("div", { class: "look-bar" }, this.origin, h("div", { class: "look-bar-tools" }, this.earlier.element, this.link, this.save));
    this.show(null);
  }

  // The buttons that make sense for the run on the page.
  show(run) {
    this.link.hidden = this.save.hidden = run === null;
    this.origin.replaceChildren(run === null ? "" : originOf(run));
    if (run === null) return;
    this.link.disabled = !run.stored;
    this.link.title = run.stored ? "" : t("link_none");
    this.save.hidden = !this.current()?.saved;
  }

  async copyLink() {
    const { run } = this.current();
    const answer = await this.server.link({ run: run.id, ...this.current().state?.() });
    if (answer.error) { toast(answer.error); return; }
    await copyText(`${location.origin}${location.pathname}#look?${answer.query}`);
    toast(t("link_copied"));
  }
}

function describe(look) {
  const text = look.text.replace(/\s+/g, " ").trim();
  // Of an answer the end counts, where the word stands that was asked about.
  const end = text.length > ANSWER_END ? `… ${text.slice(-ANSWER_END).replace(/^\S*\s/, "")}` : text;
  const label = look.word.trim() ? t("looks_why", { word: look.word.trim(), text: end }) : look.answer ? t("looks_answer", { text }) : text;
  return { label, after: look.model };
}
