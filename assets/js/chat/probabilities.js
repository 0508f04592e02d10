// Shaded answer: every token coloured by how unsure the model was, five alternatives on hover, focus or tap.
// Tokens are untrusted text: they reach the page through text nodes alone.

import { h, icon, number, overlay, t, toast } from "../dom.js";
import { hand } from "../tabs.js";

const percent = (logprob) => {
  const share = Math.exp(logprob) * 100;
  if (share >= 99.95) return ">99.9 %";
  return share < 0.1 ? "<0.1 %" : `${number.format(share < 10 ? Math.round(share * 10) / 10 : Math.round(share))} %`;
};

// The shade follows surprise, not probability itself: half as likely is one step warmer, so that a page of text shows
// its few real choices instead of a uniform tint.
export const shade = (logprob) => Math.min(1, Math.sqrt(Math.min(1, -logprob / 4.6)));

const visible = (text) => (text === "" ? "∅" : text.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ +| +$/g, (s) => "·".repeat(s.length)));

export class ProbabilityView {
  constructor({ container, tokens, onpick, locked }) {
    Object.assign(this, { container, tokens, onpick, locked });
    this.count = 0;
    this.list = [];
    this.card = null;
    // Text moves under a pointer that rests (a scroll, a new version), so leaving is judged by where the pointer is.
    this.watcher = (event) => {
      if (!this.card || this.card.contains(event.target) || event.target.closest?.(".token")) return;
      if (event.type === "pointerdown") this.hide();
      else this.hideSoon();
    };
    document.addEventListener("pointerover", this.watcher);
    document.addEventListener("pointerdown", this.watcher);
  }

  async show(message) {
    this.message = message;
    if (this.loading) return;
    this.loading = true;
    try {
      const { tokens, error } = await this.tokens({ message_id: message.id, after: this.count });
      if (this.closed) return;
      if (error) { this.container.replaceChildren(h("p", { class: "own" }, message.text), h("p", { class: "problem" }, error)); return; }
      if (!this.count) this.start();
      this.append(tokens);
      if (!this.count) this.missing();
    } finally {
      this.loading = false;
    }
    // The message moved on while its tokens were on the way.
    if (!this.closed && this.message.text !== message.text) setTimeout(() => !this.closed && this.show(this.message), 150);
  }

  start() {
    this.container.classList.add("shaded");
    this.container.replaceChildren();
    this.line = h("p", { class: "tokens", dir: "auto", role: "group", "aria-label": t("probability_text") });
    this.container.append(this.line);
    this.line.addEventListener("pointerover", (event) => this.point(event));
    this.line.addEventListener("focusin", (event) => this.point(event));
    this.line.addEventListener("click", (event) => this.point(event));
    this.line.addEventListener("keydown", (event) => this.walk(event));
  }

  missing() {
    this.container.replaceChildren(h("p", { class: "own" }, this.message.text), h("p", { class: "hint" }, t("no_probabilities")));
  }

  append(tokens) {
    for (const [text, id, logprob, alternatives] of tokens) {
      const index = this.list.length;
      const span = h("span", { class: "token", role: "button", tabindex: index === 0 ? "0" : "-1", "data-index": String(index),
        "aria-label": logprob === null ? text : t("token_label", { text: text.trim() || visible(text), percent: percent(logprob) }) }, text);
      if (logprob !== null) span.style.setProperty("--unsure", shade(logprob).toFixed(3));
      else span.classList.add("unmeasured");
      this.list.push({ text, id, logprob, alternatives, span });
      this.line.append(span);
    }
    this.count = this.list.length;
  }

  walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const index = Number(event.target.dataset.index);
    if (event.key === "Escape" && this.card) { event.stopPropagation(); this.hide(); }
    if (event.key === "Enter" || event.key === "ArrowDown") { this.card?.querySelector("button:not(:disabled)")?.focus(); event.preventDefault(); }
    if (!step || !this.list[index + step]) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    this.list[index + step].span.tabIndex = 0;
    this.list[index + step].span.focus();
  }

  point(event) {
    const span = event.target.closest?.(".token");
    if (!span) return;
    clearTimeout(this.hiding);
    const entry = this.list[Number(span.dataset.index)];
    if (this.shown === entry && this.card) return;
    this.hide();
    this.shown = entry;
    span.classList.add("pointed");
    this.card = this.buildCard(entry);
    overlay.append(this.card);
    this.place(span);
  }

  buildCard(entry) {
    const index = this.list.indexOf(entry);
    const title = entry.logprob === null ? t("not_measured") : t("chosen_with", { percent: percent(entry.logprob) });
    const card = h("div", { class: "token-card", role: "dialog", "aria-label": t("alternatives") },
      h("div", { class: "card-title" }, h("code", {}, visible(entry.text)), h("span", {}, title)));
    for (const [text, id, logprob] of entry.alternatives) {
      const chosen = id === entry.id;
      const row = h("button", { type: "button", class: chosen ? "choice chosen" : "choice", disabled: chosen || this.locked(),
        title: chosen ? undefined : t("continue_from_here"),
        onclick: () => { this.hide(); this.onpick({ message_id: this.message.id, index, token_id: id }); } },
      h("span", { class: "bar", style: `--share:${Math.exp(logprob).toFixed(4)}` }),
      h("code", {}, visible(text)), h("span", { class: "share" }, percent(logprob)));
      card.append(row);
    }
    if (entry.alternatives.length) card.append(h("p", { class: "hint" }, t("pick_alternative")));
    card.append(h("button", { type: "button", class: "card-why", onclick: () => this.ask(index) },
      icon("eye"), h("span", {}, t("why_word"))));
    if (document.documentElement.classList.contains("expert")) card.append(h("p", { class: "hint mono" }, `id ${entry.id} · logprob ${entry.logprob?.toFixed(4) ?? "–"}`));
    card.addEventListener("pointerenter", () => clearTimeout(this.hiding));
    card.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); this.hide(); entry.span.focus(); }
    });
    return card;
  }

  // Why this word: the attention tab shows it, once the answer stands.
  ask(index) {
    if (this.message.status === "streaming") { toast(t("why_wait")); return; }
    this.hide();
    hand("attention", { answer: { message_id: this.message.id, index } });
  }

  place(span) {
    const box = [...span.getClientRects()].at(-1) ?? span.getBoundingClientRect();
    const size = this.card.getBoundingClientRect();
    const above = box.bottom + size.height + 6 > innerHeight && box.top > size.height;
    this.card.style.left = `${Math.max(8, Math.min(box.left - 12, innerWidth - size.width - 8))}px`;
    this.card.style.top = `${above ? box.top - size.height - 4 : box.bottom + 4}px`;
  }

  hideSoon() {
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => this.hide(), 250);
  }

  hide() {
    this.shown?.span.classList.remove("pointed");
    this.shown = null;
    this.card?.remove();
    this.card = null;
  }

  close() {
    this.closed = true;
    document.removeEventListener("pointerover", this.watcher);
    document.removeEventListener("pointerdown", this.watcher);
    this.hide();
  }
}
