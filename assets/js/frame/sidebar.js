// The list of conversations: by date, searchable; rename, pin, export and delete at each.

import { bus, button, composing, h, icon, page, popover, saveFile, t, toast } from "../dom.js";
import { hand } from "../tabs.js";

const SEARCH_DELAY_MS = 180;
const DAY_MS = 86_400_000;

export class Sidebar {
  constructor(server) {
    this.server = server;
    this.current = null;
    this.search = h("input", { type: "search", placeholder: t("search_chats"), "aria-label": t("search_chats"), id: "chat-search" });
    this.list = h("nav", { class: "conversations", "aria-label": t("conversations") });
    this.file = h("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => this.importFile() });
    this.element = h("aside", { class: "sidebar", "aria-label": t("conversations") },
      h("div", { class: "sidebar-head" },
        button(t("new_chat"), { iconName: "plus", text: true, class: "new", onclick: () => this.start({}) }),
        button(t("temporary_chat"), { iconName: "ghost", onclick: () => this.start({ incognito: true }) })),
      h("label", { class: "search" }, icon("search"), this.search),
      this.list,
      h("div", { class: "sidebar-foot" },
        button(t("import"), { iconName: "upload", text: true, onclick: () => this.file.click() }),
        button(t("export_all"), { iconName: "download", text: true, onclick: () => this.exportChats({ format: "json" }) }), this.file));
    this.search.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.refresh(), SEARCH_DELAY_MS); });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.search.value) { event.stopPropagation(); this.search.value = ""; this.refresh(); }
      if (event.key === "ArrowDown") { this.list.querySelector("button")?.focus(); event.preventDefault(); }
    });
    bus.on("conversations-changed", () => this.refresh());
    bus.on("conversation", ({ id }) => { this.current = id; this.mark(); });
    this.refresh();
  }

  start(options) { bus.emit("new-chat", options); this.closeDrawer(); }

  closeDrawer() { document.documentElement.classList.remove("drawer-open"); }

  async refresh() {
    const query = this.search.value.trim();
    const ticket = (this.ticket = (this.ticket ?? 0) + 1);
    const answer = await this.server.list_chats({ query, limit: this.limit });
    if (ticket !== this.ticket) return; // a later keystroke has asked already
    if (answer.error) { this.list.replaceChildren(h("p", { class: "hint" }, answer.error)); return; }
    if (query) this.showHits(answer.hits);
    else this.showAll(answer.conversations, answer.more);
  }

  showAll(conversations, more) {
    const groups = new Map();
    for (const one of conversations) {
      const name = one.pinned ? t("pinned") : dateGroup(new Date(one.updated_at * 1000));
      groups.set(name, [...(groups.get(name) ?? []), one]);
    }
    const nodes = [...groups].map(([name, members]) => h("section", {}, h("h2", {}, name), members.map((one) => this.item(one))));
    if (more) nodes.push(button(t("more_chats"), { text: true, onclick: () => { this.limit = 2 * (this.limit ?? 200); this.refresh(); } }));
    this.list.replaceChildren(...(nodes.length ? nodes : [h("p", { class: "hint" }, t("no_chats"))]));
    this.mark();
  }

  showHits(hits) {
    const open = (hit) => (hit.run_id ? hand(hit.title, { entry: hit.run_id }) : bus.emit("open-conversation", { id: hit.conversation_id, message_id: hit.message_id }));
    const title = (hit) => (hit.run_id ? t(`tab_${hit.title}`) : hit.title || t("untitled"));
    const same = (hit, before) => !hit.run_id && before?.conversation_id === hit.conversation_id;
    const nodes = hits.map((hit, index) => h("button", { type: "button", class: "hit", onclick: () => { open(hit); this.closeDrawer(); } },
      same(hit, hits[index - 1]) ? null : h("strong", {}, title(hit)),
      h("span", {}, hit.snippet.map(([text, match]) => (match ? h("mark", {}, text) : text)))));
    this.list.replaceChildren(h("p", { class: "hint", role: "status" }, t(hits.length >= 45 ? "hits_many" : hits.length ? "hits" : "no_hits", { count: hits.length })), ...nodes);
  }

  item(one) {
    const open = h("button", { type: "button", class: "open", dir: "auto", onclick: () => { bus.emit("open-conversation", { id: one.id }); this.closeDrawer(); } }, one.title || t("untitled"));
    const more = button(t("chat_actions", { title: one.title || t("untitled") }), { iconName: "more", class: "item-more", "aria-haspopup": "dialog", onclick: () => this.menu(one, row, more) });
    const row = h("div", { class: "item", "data-id": one.id }, one.pinned ? icon("pin") : null, open, more);
    return row;
  }

  mark() {
    for (const row of this.list.querySelectorAll(".item")) {
      const here = row.dataset.id === this.current;
      row.classList.toggle("current", here);
      if (here) row.querySelector(".open").setAttribute("aria-current", "page");
      else row.querySelector(".open").removeAttribute("aria-current");
    }
  }

  menu(one, row, anchor) {
    const entry = (label, iconName, run) => button(label, { iconName, text: true, onclick: () => { open.dismiss(); run(); } });
    const open = popover(anchor, h("div", { class: "actions-menu" },
      entry(t("rename"), "edit", () => this.rename(one, row)),
      entry(t(one.pinned ? "unpin" : "pin"), "pin", () => this.change("pin_chat", { id: one.id, pinned: !one.pinned })),
      entry(t("export_markdown"), "download", () => this.exportChats({ id: one.id, format: "markdown" })),
      entry(t("export_html"), "download", () => this.exportChats({ id: one.id, format: "html" })),
      entry(t("export_json"), "download", () => this.exportChats({ id: one.id, format: "json" })),
      entry(t("delete"), "trash", () => this.remove(one))), { label: t("chat_actions", { title: one.title }), align: "end" });
  }

  async change(name, details) {
    const answer = await this.server[name](details);
    if (answer?.error) toast(answer.error);
    await this.refresh();
    return !answer?.error;
  }

  rename(one, row) {
    const input = h("input", { type: "text", class: "rename", value: one.title, "aria-label": t("rename"), maxLength: 200 });
    let done = false;
    const finish = (save) => {
      if (done) return;
      done = true;
      if (save && input.value.trim() && input.value !== one.title) this.change("rename_chat", { id: one.id, title: input.value });
      else this.refresh();
    };
    input.addEventListener("keydown", (event) => {
      if (composing(event)) return;
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") { event.stopPropagation(); finish(false); }
    });
    input.addEventListener("blur", () => finish(true));
    row.replaceChildren(input);
    input.select();
  }

  async remove(one) {
    if (!(await this.change("delete_chat", { id: one.id }))) return;
    if (one.id === this.current) bus.emit("open-conversation", { id: null });
    toast(t("deleted", { title: one.title || t("untitled") }), { action: t("undo"), onaction: async () => {
      await this.change("restore_chat", { id: one.id });
      bus.emit("open-conversation", { id: one.id });
    } });
  }

  async exportChats(what) {
    const answer = await this.server.export_chats({ ...what });
    if (answer.error) toast(answer.error);
    else saveFile(answer.name, answer.text, answer.type);
  }

  async importFile() {
    const [file] = this.file.files;
    this.file.value = "";
    if (!file) return;
    const waiting = toast(t("importing", { name: file.name }), { seconds: 600 });
    const answer = await this.server.import_chats({ text: await file.text() });
    waiting.remove();
    toast(answer.error ?? t("imported", answer), { seconds: 12 });
    await this.refresh();
  }
}

function dateGroup(date) {
  const today = new Date();
  today.setHours(0, 0, 0, 0);
  const days = Math.ceil((today - date) / DAY_MS);
  if (days <= 0) return t("today");
  if (days <= 1) return t("yesterday");
  if (days <= 7) return t("last_week");
  if (days <= 30) return t("last_month");
  return new Intl.DateTimeFormat(page.language, { month: "long", year: "numeric" }).format(date);
}
