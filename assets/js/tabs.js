// Which tab is in front, and what one tab hands to another. A tab is put on the page when it is opened first, so what
// is handed to it may have to wait.

import { bus } from "./dom.js";

const WAIT_MS = 20_000;
const takers = new Map();
const waiting = new Map();

export function openTab(name) {
  const button = () => document.querySelector(`button[role=tab][data-tab-id="${name}"]`);
  const press = () => { button().click(); button().scrollIntoView({ block: "nearest", inline: "nearest" }); };
  if (button()) { press(); return; }
  // The page is still being built.
  const watch = new MutationObserver(() => { if (button()) { watch.disconnect(); press(); } });
  watch.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => watch.disconnect(), WAIT_MS);
}

// Brings a tab to the front with something for it to do.
export function hand(name, task) {
  openTab(name);
  if (takers.has(name)) takers.get(name)(task);
  else waiting.set(name, task);
}

// A tab says that it stands and takes what is handed to it. True when something was waiting for it.
export function onHanded(name, take) {
  takers.set(name, take);
  const task = waiting.get(name);
  waiting.delete(name);
  if (task) take(task);
  return Boolean(task);
}

// An address may name a look into a text: #look?run=...&layer=3
export function followAddress() {
  const follow = () => {
    if (!location.hash.startsWith("#look?")) return;
    hand("attention", { link: location.hash.slice(6) });
    history.replaceState(history.state, "", location.pathname + location.search); // it has been followed: a reload goes on from there
  };
  window.addEventListener("hashchange", follow);
  follow();
}

// What a tab with work of its own hears while it is in front: Escape stops that work; the list of chats, which stands
// beside every tab, opens in the first one.
export function meetFrame(column, { onstop }) {
  const inFront = () => column.getClientRects().length > 0;
  bus.on("stop", () => { if (inFront()) onstop(); });
  for (const event of ["open-conversation", "new-chat"]) bus.on(event, () => {
    if (!inFront()) return;
    document.querySelector(".tab-container button[role=tab]")?.click();
    setTimeout(() => bus.emit("focus-composer"), 100);
  });
}

// A name for this page, under which the server follows what it asks for.
export const pageName = () => crypto.randomUUID?.() ?? String(Math.random()).slice(2);
