// The frame around every tab: name, model chip, menu, list of conversations, shortcuts.

import { bus, button, composing, h, icon, memory, page, popover, speaking, t, toast } from "../dom.js";
import { ModelChip } from "./models.js";
import { followAddress } from "../tabs.js";
import { Sidebar } from "./sidebar.js";

const root = document.documentElement;

export function mount(element, { server: bare }) {
  const server = speaking(bare);
  const sidebar = new Sidebar(server);
  const drawer = button(t("conversations"), { iconName: "menu", class: "drawer-button", onclick: () => toggleDrawer() });
  const chip = new ModelChip(server);
  const menu = button(t("menu"), { iconName: "gear", class: "menu-button", "aria-haspopup": "dialog", onclick: () => openMenu(menu) });
  element.replaceChildren(
    h("a", { class: "skip", href: "#content", onclick: (event) => { event.preventDefault(); bus.emit("focus-composer"); } }, t("skip_to_message")),
    h("header", { class: "topbar" }, drawer, h("span", { class: "brand" }, logo(), h("span", {}, "LLM Playground")), h("span", { class: "spacer" }), chip.element, menu),
    sidebar.element, h("div", { class: "veil", onclick: () => root.classList.remove("drawer-open") }));
  wireShortcuts(sidebar);
  bus.on("conversation", ({ title }) => { document.title = title ? `${title} – LLM Playground` : "LLM Playground"; });
  followAddress();
  if (page.notice) toast(page.notice, { seconds: 20 });
}

function toggleDrawer() {
  // On a wide screen the same button folds the column away; on a phone it opens the drawer.
  if (matchMedia("(max-width: 900px)").matches) root.classList.toggle("drawer-open");
  else memory.set("sidebar", root.classList.toggle("no-sidebar") ? "closed" : "");
}

function logo() {
  const mark = icon("shade");
  mark.classList.add("logo");
  return mark;
}

function openMenu(anchor) {
  const choice = (name, value, options, change) => h("div", { class: "menu-row" }, h("span", {}, t(name)),
    h("div", { class: "segments", role: "radiogroup", "aria-label": t(name) }, options.map(([key, label]) => h("button", {
      type: "button", role: "radio", "aria-checked": String(key === value), onclick: () => { change(key); open.dismiss(); },
    }, label))));
  const content = h("div", { class: "menu-list" },
    choice("level", root.classList.contains("expert") ? "expert" : "beginner", [["beginner", t("beginner")], ["expert", t("expert")]], setLevel),
    choice("language", page.language, [["en", "English"], ["zh", "中文"]], setLanguage),
    choice("theme", memory.get("theme") ?? "auto", [["auto", t("theme_auto")], ["light", t("theme_light")], ["dark", t("theme_dark")]], (value) => { memory.set("theme", value); window.playground.applyTheme(); }),
    button(t("shortcuts"), { iconName: "keyboard", text: true, onclick: () => { open.dismiss(); showShortcuts(anchor); } }),
    h("a", { class: "b b-text", href: "?view=api" }, icon("terminal"), h("span", {}, t("api"))),
    h("p", { class: "hint" }, t(page.shared ? "first_visit_shared" : "first_visit")));
  const open = popover(anchor, content, { label: t("menu"), className: "menu", align: "end" });
}

function setLevel(level) {
  root.classList.toggle("expert", level === "expert");
  memory.set("level", level);
}

function setLanguage(language) {
  // The server writes the page in the language of this cookie; what is in the box survives as a draft.
  // Inside the frame of another site (a Space) only a partitioned cookie is kept.
  const reach = location.protocol === "https:" ? "samesite=none; secure; partitioned" : "samesite=lax";
  document.cookie = `playground_language=${language}; path=/; max-age=31536000; ${reach}`;
  location.reload();
}

const SHORTCUTS = [
  ["Enter", "key_send"], ["Shift + Enter", "key_line"], ["Esc", "key_stop"], ["Ctrl + K", "key_search"],
  ["Ctrl + Shift + O", "key_new"], ["?", "key_help"],
];

function showShortcuts(anchor) {
  popover(anchor, h("div", {}, h("h3", {}, t("shortcuts")), h("dl", { class: "keys" }, SHORTCUTS.flatMap(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, t(what))]))),
    { label: t("shortcuts"), className: "menu", align: "end" });
}

function wireShortcuts(sidebar) {
  document.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    const command = event.ctrlKey || event.metaKey;
    const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (command && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (matchMedia("(max-width: 900px)").matches) root.classList.add("drawer-open");
      root.classList.remove("no-sidebar");
      sidebar.search.focus();
    } else if (command && event.shiftKey && event.key.toLowerCase() === "o") {
      event.preventDefault();
      bus.emit("new-chat", {});
    } else if (event.key === "Escape" && !document.querySelector(".popover")) {
      if (root.classList.contains("drawer-open")) root.classList.remove("drawer-open");
      else bus.emit("stop");
    } else if (event.key === "?" && !writing && !command) {
      event.preventDefault();
      showShortcuts(document.querySelector(".menu-button"));
    }
  });
}
