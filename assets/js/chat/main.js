// The chat tab: wires the thread, the composer and the server together. The server's view is the only truth; this page
// holds an address (which conversation) and a draft.

import { bus, h, memory, number, page, speaking, t, toast } from "../dom.js";
import { Composer } from "./composer.js";
import { ChatSettings } from "./settings.js";
import { Thread, waitText } from "./thread.js";

const EXAMPLES = ["mars", "poem", "code"];

export function mount(element, { trigger, watch, props, server: bare }) {
  const server = speaking(bare);
  const tab = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  let sequence = 0;
  let handled = 0; // the request whose outcome has been shown
  let current = null; // the view that is on the page
  let conversation = new URL(location.href).searchParams.get("chat");

  // Every request names this page and counts up: the server ends the older stream of this page, and an update that was
  // on its way when the visitor moved on is recognised and dropped.
  const act = (kind, details = {}) => {
    sequence += 1;
    trigger("act", { kind, tab, sequence, conversation_id: conversation, settings: settings.value, language: page.language, ...details });
  };

  const settings = new ChatSettings({ presets: { list: async () => (await server.list_presets()).presets ?? [], save: server.save_preset, remove: server.remove_preset } });
  const composer = new Composer({
    settings,
    onsend: (text) => send(text),
    onstop: (message_id) => server.stop_reply({ message_id }),
    onprobabilities: (on) => setProbabilities(on),
  });
  const send = (text) => {
    thread.following = true;
    act("send", { text, parent_id: current?.messages.at(-1)?.id ?? null, temporary });
  };
  let temporary = false;
  const list = h("div", { class: "messages", role: "log", "aria-live": "off", "aria-label": t("conversation") });
  const empty = emptyScreen((text) => composer.hand(text));
  const banner = h("div", { class: "banner", hidden: true });
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": t("conversation") }, h("div", { class: "column" }, empty, list));
  const legend = shadeLegend();
  element.replaceChildren(h("div", { class: "chat" }, banner, scroller, h("div", { class: "dock" }, h("div", { class: "column" }, legend, composer.element))));
  const thread = new Thread({ element: list, scroller, act, tokens: server.reply_tokens, reuseSeed: (seed) => { settings.set({ seed }); toast(t("seed_set", { seed })); } });

  const setProbabilities = (on) => {
    memory.set("probabilities", on ? "on" : "");
    composer.setProbabilities(on);
    legend.hidden = !on;
    thread.setProbabilities(on);
  };

  const address = (id) => {
    if (id === conversation) return;
    conversation = id;
    const url = new URL(location.href);
    if (id) url.searchParams.set("chat", id);
    else url.searchParams.delete("chat");
    history.pushState({}, "", url);
  };

  const show = (view) => {
    if (!view || view.tab !== tab || view.sequence !== sequence) return;
    const opened = !current || current.conversation?.id !== view.conversation?.id;
    // What an action led to comes with every view of its stream, since a busy page sees only the latest; it counts once.
    const { refused, accepted, focus, changed } = handled === sequence ? {} : view;
    handled = sequence;
    if (refused) { composer.refused(refused); thread.releaseEditors(); }
    if (refused && !view.conversation) { leave(refused); return; }
    const adopted = opened && accepted && conversation === null;
    current = view;
    if (accepted) composer.accepted();
    address(view.conversation?.id ?? null);
    if (opened) {
      if (adopted) composer.adopt(view.conversation.id);
      else composer.open(view.conversation?.id);
      if (refused) composer.refused(refused);
      settings.load(view.conversation?.settings);
      thread.following = true;
      temporary = view.conversation?.temporary ?? false;
    }
    empty.hidden = view.messages.length > 0;
    banner.hidden = !temporary;
    banner.textContent = t("temporary_banner");
    thread.show(view);
    if (accepted) thread.closeEditors();
    composer.setRunning(view.running);
    composer.setLine(statusLine(view));
    if (focus) thread.focusMessage(focus);
    if (changed || view.ended) bus.emit("conversations-changed");
    tell(view);
  };

  // Others hear of a change, not of every streamed word.
  let told = "";
  const tell = (view) => {
    const news = { id: view.conversation?.id ?? null, title: view.conversation?.title ?? "", running: Boolean(view.running) };
    if (JSON.stringify(news) === told) return;
    told = JSON.stringify(news);
    bus.emit("conversation", news);
  };

  // The chat of this address is gone (deleted elsewhere, or a temporary one after a restart); what stood in its box is kept.
  const leave = (reason) => {
    if (conversation === null) return;
    const draft = composer.box.value || memory.get(`draft.${conversation}`);
    startNew();
    if (draft) composer.fill(draft);
    composer.refused(reason);
  };

  const startNew = ({ incognito = false } = {}) => {
    // A temporary chat is forgotten for good when it is left.
    if (current?.conversation?.temporary) server.discard_chat({ conversation_id: current.conversation.id });
    sequence += 1;
    current = { messages: [] };
    address(null);
    temporary = incognito;
    composer.open(null);
    settings.load(null);
    composer.setRunning(null);
    composer.setLine(statusLine(current));
    banner.hidden = !temporary;
    banner.textContent = t("temporary_banner");
    thread.show(current);
    empty.hidden = false;
    tell(current);
    composer.box.focus();
  };

  watch("value", () => show(props.value));
  bus.on("open-conversation", ({ id, message_id }) => {
    if (id === null) { startNew(); return; }
    if (current?.conversation?.temporary && current.conversation.id !== id) server.discard_chat({ conversation_id: current.conversation.id });
    address(id);
    act("open", { message_id });
  });
  bus.on("new-chat", (options) => startNew(options ?? {}));
  bus.on("stop", () => { if (current?.running) server.stop_reply({ message_id: current.running }); });
  bus.on("focus-composer", () => composer.box.focus());
  window.addEventListener("popstate", () => {
    const id = new URL(location.href).searchParams.get("chat");
    if (id === conversation) return;
    if (current?.conversation?.temporary) server.discard_chat({ conversation_id: current.conversation.id });
    conversation = id;
    if (id) act("open");
    else startNew();
  });

  setProbabilities(memory.get("probabilities") === "on");
  if (conversation) act("open");
  else startNew();
}

function statusLine(view) {
  if (view.running && view.progress) return waitText(view.progress);
  const stats = view.messages.findLast((message) => message.role === "assistant")?.stats;
  if (!stats?.new_tokens) return t(page.shared ? "first_visit_shared" : "first_visit");
  const parts = [];
  if (stats.first_token_s != null) parts.push(t("first_word", { seconds: number.format(Math.round(stats.first_token_s * 100) / 100) }));
  if (stats.tokens_per_second) parts.push(t("speed", { rate: Math.round(stats.tokens_per_second) }));
  if (stats.context_length) parts.push(t("context_used", { used: number.format(stats.prompt_tokens + stats.new_tokens), total: number.format(stats.context_length) }));
  return parts.join(" · ");
}

function emptyScreen(use) {
  return h("div", { class: "empty" },
    h("h1", {}, t("empty_title")),
    h("p", {}, t(page.shared ? "empty_about_shared" : "empty_about")),
    h("div", { class: "examples" }, EXAMPLES.map((name) => h("button", { type: "button", class: "example", onclick: () => use(t(`example_${name}_text`)) },
      h("strong", {}, t(`example_${name}`)), h("span", {}, t(`example_${name}_text`))))));
}

function shadeLegend() {
  return h("div", { class: "legend", hidden: true }, h("span", {}, t("sure")), h("span", { class: "ramp", "aria-hidden": "true" }), h("span", {}, t("unsure")), h("span", { class: "hint" }, t("legend_hint")));
}

// Somebody may write while the page still opens; nothing typed is lost when the connection breaks either.
window.addEventListener("offline", () => toast(t("offline")));
