// The row above the views: looks from before, a link that opens this view again, and the view as a file.

import { announce, button, copyText, h, page, popover, t, toast } from "../dom.js";
import { originOf } from "./origin.js";
import { saveMenu } from "./save.js";

const FIRST_PAGE = 30;
const ANSWER_END = 36; // characters

export class Bar {
  // `current` gives the views that are on the page, or null; `onentry` opens an earlier look, `onforgotten` hears of one
  // that was deleted.
  constructor({ server, current, onentry, onforgotten }) {
    Object.assign(this, { server, current, onentry, onforgotten });
    this.earlier = button(t("looks_title"), { iconName: "clock", text: true, "aria-haspopup": "dialog", onclick: (event) => this.openLooks(event.currentTarget) });
    this.link = button(t("link_copy"), { iconName: "link", text: true, onclick: () => this.copyLink() });
    this.save = button(t("save"), { iconName: "download", text: true, "aria-haspopup": "dialog", onclick: (event) => saveMenu(event.currentTarget, { server, views: current() }) });
    this.origin = h("div", { class: "look-origins" });
    this.element = h("div", { class: "look-bar" }, this.origin, h("div", { class: "look-bar-tools" }, this.earlier, this.link, this.save));
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

  openLooks(anchor) {
    const list = h("div", { class: "look-list" });
    const open = popover(anchor, list, { label: t("looks_title"), className: "panel look-looks", align: "end" });
    this.fill(list, open, FIRST_PAGE);
  }

  async fill(list, open, limit) {
    const answer = await this.server.list_looks({ limit });
    if (!open.panel.isConnected) return;
    const rows = (answer.looks ?? []).map((look) => this.row(look, list, open, limit));
    const note = answer.error ?? (rows.length ? null : t("looks_none"));
    list.replaceChildren(h("h3", {}, t("looks_title")), note ? h("p", { class: "hint" }, note) : "", ...rows,
      answer.more ? button(t("more_chats"), { text: true, onclick: () => this.fill(list, open, 2 * limit) }) : "");
    open.place();
  }

  row(look, list, open, limit) {
    const when = new Intl.DateTimeFormat(page.language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(look.created_at * 1000));
    const text = look.text.replace(/\s+/g, " ").trim();
    // Of an answer the end counts, where the word stands that was asked about.
    const end = text.length > ANSWER_END ? `… ${text.slice(-ANSWER_END).replace(/^\S*\s/, "")}` : text;
    const label = look.word.trim() ? t("looks_why", { word: look.word.trim(), text: end }) : look.answer ? t("looks_answer", { text }) : text;
    const remove = async () => {
      const answer = await this.server.delete_look({ id: look.id });
      if (answer.error) { toast(answer.error); return; }
      this.onforgotten(look.id);
      await this.fill(list, open, limit);
      list.querySelector("button")?.focus();
      announce(t("looks_deleted"));
      toast(t("looks_deleted"), { action: t("undo"), onaction: async () => {
        await this.server.restore_look({ id: look.id });
        if (!open.panel.isConnected) this.openLooks(this.earlier); // the click on Undo was beside the list
        else this.fill(list, open, limit);
      } });
    };
    return h("div", { class: "look-look" },
      h("button", { type: "button", class: "look-look-open", onclick: () => { open.dismiss(); this.onentry(look.id); } },
        h("span", { class: "look-look-text", dir: "auto" }, label), h("small", {}, `${when} · ${look.model}`)),
      button(t("looks_delete", { text: label.slice(0, 40) }), { iconName: "trash", onclick: remove }));
  }
}
