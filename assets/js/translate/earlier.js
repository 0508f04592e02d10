// Translations from before: a list that opens, deletes and brings back.

import { announce, button, h, page, popover, t, toast } from "../dom.js";
import { nameOf } from "./languages.js";

const FIRST_PAGE = 30;

export class Earlier {
  // `onentry(id)` opens one; `onforgotten(id)` hears of one that was deleted.
  constructor({ server, onentry, onforgotten }) {
    Object.assign(this, { server, onentry, onforgotten });
    this.element = button(t("tr_earlier"), { iconName: "clock", text: true, class: "tr-earlier", "aria-haspopup": "dialog", onclick: () => this.open() });
  }

  open() {
    const list = h("div", { class: "look-list" });
    const panel = popover(this.element, list, { label: t("tr_earlier"), className: "panel look-looks", align: "end" });
    this.fill(list, panel, FIRST_PAGE);
  }

  async fill(list, panel, limit) {
    const answer = await this.server.list_entries({ limit });
    if (!panel.panel.isConnected) return;
    const rows = (answer.entries ?? []).map((entry) => this.row(entry, list, panel, limit));
    const note = answer.error ?? (rows.length ? null : t("tr_earlier_none"));
    list.replaceChildren(h("h3", {}, t("tr_earlier")), note ? h("p", { class: "hint" }, note) : "", ...rows,
      answer.more ? button(t("more_chats"), { text: true, onclick: () => this.fill(list, panel, 2 * limit) }) : "");
    panel.place();
  }

  row(entry, list, panel, limit) {
    const when = new Intl.DateTimeFormat(page.language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(entry.created_at * 1000));
    const label = entry.document || entry.text.replace(/\s+/g, " ").trim();
    const remove = async () => {
      const answer = await this.server.delete_entry({ id: entry.id });
      if (answer.error) { toast(answer.error); return; }
      this.onforgotten(entry.id);
      await this.fill(list, panel, limit);
      list.querySelector("button")?.focus();
      announce(t("tr_earlier_deleted"));
      toast(t("tr_earlier_deleted"), { action: t("undo"), onaction: async () => {
        await this.server.restore_entry({ id: entry.id });
        if (panel.panel.isConnected) this.fill(list, panel, limit);
        else this.open(); // the click on Undo was beside the list
      } });
    };
    return h("div", { class: "look-look" },
      h("button", { type: "button", class: "look-look-open", onclick: () => { panel.dismiss(); this.onentry(entry.id); } },
        h("span", { class: "look-look-text", dir: "auto" }, label), h("small", {}, `${nameOf(entry.source)} → ${nameOf(entry.target)} · ${when} · ${entry.model}`)),
      button(t("tr_earlier_delete", { text: label.slice(0, 40) }), { iconName: "trash", onclick: remove }));
  }
}
