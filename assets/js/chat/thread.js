// The conversation: one element a message, changed only where the message changed.

import { announce, button, composing, copyButton, h, memory, number, t } from "../dom.js";
import { renderMarkdown } from "./markdown.js";
import { hand } from "../tabs.js";
import { ProbabilityView } from "./probabilities.js";

const LONG_MESSAGE = 4_000; // characters of the visitor's own text shown before "Show all"
const NEAR_BOTTOM_PX = 80;

export class Thread {
  constructor({ element, scroller, act, tokens, reuseSeed }) {
    Object.assign(this, { element, scroller, act, tokens, reuseSeed });
    this.nodes = new Map(); // message id -> MessageNode
    this.probabilities = false;
    this.following = true;
    scroller.addEventListener("scroll", () => {
      this.following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_BOTTOM_PX;
    }, { passive: true });
  }

  show(view) {
    const focus = this.focusedAction();
    const ids = new Set(view.messages.map((message) => message.id));
    for (const [id, node] of this.nodes) {
      if (!ids.has(id)) { node.close(); this.nodes.delete(id); }
    }
    let previous = null;
    for (const message of view.messages) {
      let node = this.nodes.get(message.id);
      if (!node) {
        node = new MessageNode(this, message);
        this.nodes.set(message.id, node);
      }
      const place = previous ? previous.nextSibling : this.element.firstChild;
      if (place !== node.element) this.element.insertBefore(node.element, place);
      node.update(message, view.running === message.id ? view.progress : null, view.running);
      previous = node.element;
    }
    if (this.following) this.scrollToEnd();
    this.restoreFocus(focus);
  }

  // A pager or Retry replaces the message that holds the focused button; the keyboard goes on at the same place.
  focusedAction() {
    const button = document.activeElement;
    const message = button?.closest?.(".message");
    if (!message || !this.element.contains(message) || button.tagName !== "BUTTON") return null;
    return { index: [...this.element.children].indexOf(message), label: button.getAttribute("aria-label") };
  }

  restoreFocus(focus) {
    if (!focus || document.activeElement !== document.body) return;
    const message = this.element.children[focus.index];
    const same = [...(message?.querySelectorAll("button") ?? [])].find((one) => one.getAttribute("aria-label") === focus.label && !one.disabled);
    (same ?? message)?.focus({ preventScroll: true });
  }

  // What an editor sent was refused: it may send again.
  releaseEditors() {
    for (const node of this.nodes.values()) node.sending = false;
  }

  closeEditors() {
    for (const node of this.nodes.values()) node.closeEditor();
  }

  scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  focusMessage(id) {
    const node = this.nodes.get(id);
    if (!node) return;
    this.following = false;
    node.element.scrollIntoView({ block: "center" });
    node.element.classList.add("found");
    node.element.focus({ preventScroll: true });
    setTimeout(() => node.element.classList.remove("found"), 2500);
  }

  setProbabilities(on) {
    this.probabilities = on;
    for (const node of this.nodes.values()) node.refresh();
  }
}

class MessageNode {
  constructor(thread, message) {
    this.thread = thread;
    this.body = h("div", { class: "body" });
    this.status = h("div", { class: "wait" });
    this.notice = h("div", { class: "notice" });
    this.actions = h("div", { class: "actions" });
    this.figures = h("div", { class: "figures" });
    this.element = h("article", { class: `message ${message.role}`, tabindex: "-1", "data-id": message.id,
      "aria-label": t(message.role === "user" ? "you_said" : "model_said") },
    this.body, this.status, this.notice, h("div", { class: "foot" }, this.actions, this.figures));
    this.finished = message.status;
  }

  update(message, progress, running) {
    const before = this.message;
    this.message = message;
    this.running = running;
    this.progress = progress;
    if (before?.text !== message.text || before?.status !== message.status) this.refresh();
    this.showWait(progress);
    const key = JSON.stringify([message.status, message.version, message.versions, message.stats, message.error, Boolean(running)]);
    if (key !== this.key) {
      this.key = key;
      this.showNotice();
      this.showActions();
      this.showFigures();
    }
    if (this.finished === "streaming" && message.status !== "streaming") announce(t("answer_ready", { text: message.text.slice(0, 500) }));
    this.finished = message.status;
  }

  closeEditor() {}

  close() {
    this.shaded?.close();
    this.element.remove();
  }

  refresh() {
    const { message, thread } = this;
    if (this.editing) return;
    if (message.role === "user") { this.showOwnText(); return; }
    if (thread.probabilities && message.text) {
      this.shaded ??= new ProbabilityView({ container: this.body, tokens: thread.tokens, onpick: (pick) => thread.act("branch", pick), locked: () => Boolean(this.running) });
      this.shaded.show(message);
      return;
    }
    if (this.shaded) { this.shaded.close(); this.shaded = null; this.body.replaceChildren(); }
    this.body.classList.remove("shaded");
    renderMarkdown(this.body, message.text);
  }

  showOwnText() {
    const { text } = this.message;
    if (text.length <= LONG_MESSAGE || this.unfolded) { this.body.replaceChildren(h("p", { class: "own", dir: "auto" }, text)); return; }
    this.body.replaceChildren(
      h("p", { class: "own", dir: "auto" }, `${text.slice(0, LONG_MESSAGE / 2)} …`),
      button(t("show_all", { count: number.format(text.length) }), { text: true, onclick: () => { this.unfolded = true; this.showOwnText(); } }),
    );
  }

  showWait(progress) {
    const text = progress ? waitText(progress) : "";
    this.status.hidden = !text;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.element.classList.toggle("writing", Boolean(progress));
  }

  showNotice() {
    const { status, error, stats, text } = this.message;
    const lines = [];
    if (status === "error") lines.push(h("p", { class: "problem" }, error || t("unexpected")));
    if (status === "interrupted") lines.push(h("p", {}, t("interrupted")));
    if (status === "stopped") lines.push(h("p", {}, t(error ? "stopped_by_switch" : "stopped")));
    if (stats?.finish === "length") lines.push(h("p", {}, t("length_reached")));
    if (stats?.finish === "context") lines.push(h("p", {}, t("context_full")));
    if (stats?.dropped_messages) lines.push(h("p", {}, t("dropped", { count: stats.dropped_messages })));
    const resumable = ["stopped", "interrupted", "error"].includes(status) || stats?.finish === "length";
    if (resumable && this.message.role === "assistant" && !this.running) {
      const row = h("div", { class: "row" });
      if (text) row.append(button(t("continue"), { iconName: "continue", text: true, onclick: () => this.thread.act("continue", { message_id: this.message.id }) }));
      row.append(button(t("try_again"), { iconName: "retry", text: true, onclick: () => this.thread.act("retry", { message_id: this.message.id }) }));
      lines.push(row);
    }
    this.notice.replaceChildren(...lines);
    this.notice.hidden = lines.length === 0;
  }

  showActions() {
    const { message, thread } = this;
    const free = !this.running;
    const row = [copyButton(t("copy"), () => this.message.text)];
    if (message.role === "user") row.push(button(t("edit"), { iconName: "edit", disabled: !free, onclick: () => this.edit() }));
    else row.push(button(t("retry"), { iconName: "retry", disabled: !free, onclick: () => thread.act("retry", { message_id: message.id }) }));
    if (message.role === "assistant") {
      row.push(button(t("why_look"), { iconName: "eye", disabled: this.running === message.id || !message.text, onclick: () => hand("attention", { answer: { message_id: message.id } }) }));
    }
    if (message.versions > 1) row.push(this.pager(free));
    this.actions.replaceChildren(...row);
  }

  pager(free) {
    const { message, thread } = this;
    const go = (step) => () => thread.act("version", { message_id: message.siblings[message.version - 1 + step] });
    return h("span", { class: "pager", role: "group", "aria-label": t("versions") },
      button(t("previous_version"), { iconName: "left", disabled: !free || message.version === 1, onclick: go(-1) }),
      h("span", { "aria-live": "polite" }, `${message.version}/${message.versions}`),
      button(t("next_version"), { iconName: "right", disabled: !free || message.version === message.versions, onclick: go(1) }));
  }

  showFigures() {
    const { role, model, stats } = this.message;
    if (role === "user" || !stats?.new_tokens) { this.figures.replaceChildren(); return; }
    this.figures.replaceChildren(...figures(stats, model, this.thread.reuseSeed));
  }

  edit() {
    this.editing = true;
    const key = `draft.edit.${this.message.id}`;
    const area = h("textarea", { class: "edit", value: memory.get(key) ?? this.message.text, rows: Math.min(12, this.message.text.split("\n").length + 1), "aria-label": t("edit") });
    // The editor stays open until the server has the text: a refusal or a broken line must not cost it.
    this.closeEditor = () => {
      if (!this.editing) return;
      memory.set(key, null);
      this.editing = this.sending = false;
      this.element.classList.remove("editing");
      this.refresh();
      this.actions.querySelector("button:last-of-type")?.focus({ preventScroll: true });
    };
    const close = () => this.closeEditor();
    const send = () => {
      if (!area.value.trim() || this.sending) return;
      this.sending = true;
      this.thread.act("edit", { message_id: this.message.id, text: area.value });
    };
    area.addEventListener("input", () => memory.set(key, area.value));
    area.addEventListener("keydown", (event) => {
      if (composing(event)) return;
      if (event.key === "Escape") { event.stopPropagation(); close(); }
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
    });
    this.element.classList.add("editing");
    this.body.replaceChildren(area, h("div", { class: "row end" },
      h("span", { class: "hint" }, t("edit_hint")),
      button(t("cancel"), { text: true, onclick: close }),
      button(t("send"), { text: true, class: "primary", onclick: send })));
    area.focus();
  }
}

export function waitText(progress) {
  const seconds = Math.floor(progress.seconds ?? 0);
  if (progress.phase === "opening") return t("opening", { name: progress.model ?? "", detail: progress.detail ?? "", seconds });
  if (progress.phase === "waiting") return progress.ahead ? t("in_line", { place: progress.ahead + 1 }) : t("starting");
  if (progress.phase === "reading") return t("reading", { done: number.format(progress.done), total: number.format(progress.total) });
  if (progress.phase === "writing" && progress.rate) return t("writing", { rate: Math.round(progress.rate) });
  return t("starting");
}

function figures(stats, model, reuseSeed) {
  const figure = (text, explanation) => h("span", { class: "figure", tabindex: "0", "data-tip": explanation }, text);
  const seconds = (value) => number.format(Math.round(value * 100) / 100);
  const row = [figure(model || "", t("tip_model"))];
  if (stats.first_token_s != null) row.push(figure(t("first_word", { seconds: seconds(stats.first_token_s) }), t("tip_first_word")));
  if (stats.tokens_per_second) row.push(figure(t("speed", { rate: Math.round(stats.tokens_per_second) }), t("tip_speed")));
  row.push(figure(t("new_tokens", { count: number.format(stats.new_tokens) }), t("tip_tokens")));
  if (stats.context_length) {
    row.push(figure(t("context_used", { used: number.format(stats.prompt_tokens + stats.new_tokens), total: number.format(stats.context_length) }), t("tip_context")));
  }
  if (stats.seed != null) {
    row.push(h("button", { type: "button", class: "figure seed expert-only", "data-tip": t("tip_seed"), "aria-label": t("reuse_seed", { seed: stats.seed }),
      onclick: () => reuseSeed(stats.seed) }, t("seed_used", { seed: stats.seed })));
  }
  return row;
}
