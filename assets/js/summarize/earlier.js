// Summaries from before: a list that opens, deletes and brings back.

import { announce, button, h, page, popover, t, toast } from "../dom.js";
import { beginning } from "./words.js";

const FIRST_PAGE = 30;

export class Earlier {
  // `onentry(id)` opens one; `onforgotten(id)` hears of one that was deleted.
  constructor({ server, onentry, onforgotten }) {
    Object.assign(this, { server, onentry, onforgotten });
    this.element = button(t("sm_earlier"), { iconName: "clock", text: true, class: "sm-earlier", "aria-haspopup": "dialog", onclick: () => this.open() });
  }

  open() {
    const list = h("div", { class: "look-list" });
    const panel = popover(this.element, list, { label: t("sm_earlier"), className: "panel look-looks", align: "end" });
    this.fill(list, panel, FIRST_PAGE);
  }

  async fill(list, panel, limit) {
    const answer = await this.server.list_summaries({ limit });
    if (!panel.panel.isConnected) return;
    const rows = (answer.entries ?? []).map((entry) => this.row(entry, list, panel, limit));
    const note = answer.error ?? (rows.length ? null : t("sm_earlier_none"));
    list.replaceChildren(h("h3", {}, t("sm_earlier")), note ? h("p", { class: "hint" }, note) : "", ...rows,
      answer.more ? button(t("more_chats"), { text: true, onclick: () => this.fill(list, panel, 2 * limit) }) : "");
    panel.place();
  }

  row(entry, list, panel, limit) {
    const when = new Intl.DateTimeFormat(page.language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(entry.created_at * 1000));
    const label = entry.name || beginning(entry.text, 100);
    return h("div", { class: "look-look" },
      h("button", { type: "button", class: "look-look-open", onclick: () => { panel.dismiss(); this.onentry(entry.id); } },
        h("span", { class: "look-look-text", dir: "auto" }, label), h("small", {}, [entry.form ? t(`sm_form_${entry.form}`) : "", when, entry.model].filter(Boolean).join(" · "))),
      button(t("sm_earlier_delete", { text: label.slice(0, 40) }), { iconName: "trash", onclick: () => this.remove(entry, list, panel, limit) }));
  }

  async remove(entry, list, panel, limit) {
    const answer = await this.server.delete_summary({ id: entry.id });
    if (answer.error) { toast(answer.error); return; }
    this.onforgotten(entry.id);
    await this.fill(list, panel, limit);
    list.querySelector("button")?.focus();
    announce(t("sm_earlier_deleted"));
    toast(t("sm_earlier_deleted"), { action: t("undo"), onaction: async () => {
      await this.server.restore_summary({ id: entry.id });
      if (panel.panel.isConnected) this.fill(list, panel, limit);
      else this.open(); // the click on Undo was beside the list
    } });
  }
}
