// What a tab has kept: a button, and a list that opens, deletes and brings back.

import { announce, button, h, page, popover, t, toast } from "./dom.js";

const FIRST_PAGE = 30;
const LABEL_CHARACTERS = 40;
const dateTime = new Intl.DateTimeFormat(page.language, { dateStyle: "medium", timeStyle: "short" });

export class Earlier {
  // `words` begins the names of its texts: "sm_earlier" for "sm_earlier", "…_none", "…_delete" and "…_deleted".
  // The server lists, deletes and restores. `describe(entry)` gives its label, and the details that stand before and
  // after its date. `onentry(id)` opens one, `onforgotten(id)` hears of one that was deleted.
  constructor({ words, server, describe, onentry, onforgotten }) {
    Object.assign(this, { words, server, describe, onentry, onforgotten });
    this.element = button(t(words), { iconName: "clock", text: true, class: "earlier", "aria-haspopup": "dialog", onclick: () => this.open() });
  }

  open() {
    const rows = h("div", { class: "earlier-list" });
    const panel = popover(this.element, rows, { label: t(this.words), className: "panel earlier-entries", align: "end" });
    this.fill(rows, panel, FIRST_PAGE);
  }

  async fill(rows, panel, limit) {
    const answer = await this.server.list_entries({ limit });
    if (!panel.panel.isConnected) return;
    const entries = answer.entries ?? [];
    const note = answer.error ?? (entries.length ? null : t(`${this.words}_none`));
    rows.replaceChildren(h("h3", {}, t(this.words)), note ? h("p", { class: "hint" }, note) : "",
      ...entries.map((entry) => this.row(entry, { rows, panel, limit })),
      answer.more ? button(t("more_chats"), { text: true, onclick: () => this.fill(rows, panel, 2 * limit) }) : "");
    panel.place();
  }

  row(entry, shown) {
    const { label, before = "", after = "" } = this.describe(entry);
    const when = dateTime.format(new Date(entry.created_at * 1000));
    return h("div", { class: "earlier-entry" },
      h("button", { type: "button", class: "earlier-open", onclick: () => { shown.panel.dismiss(); this.onentry(entry.id); } },
        h("span", { class: "earlier-text", dir: "auto" }, label), h("small", {}, [before, when, after].filter(Boolean).join(" · "))),
      button(t(`${this.words}_delete`, { text: label.slice(0, LABEL_CHARACTERS) }), { iconName: "trash", onclick: () => this.remove(entry, shown) }));
  }

  async remove(entry, { rows, panel, limit }) {
    const answer = await this.server.delete_entry({ id: entry.id });
    if (answer.error) { toast(answer.error); return; }
    this.onforgotten(entry.id);
    await this.fill(rows, panel, limit);
    rows.querySelector("button")?.focus();
    announce(t(`${this.words}_deleted`));
    toast(t(`${this.words}_deleted`), { action: t("undo"), onaction: async () => {
      await this.server.restore_entry({ id: entry.id });
      if (panel.panel.isConnected) this.fill(rows, panel, limit);
      else this.open(); // the click on Undo was beside the list
    } });
  }
}
