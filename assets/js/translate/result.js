// The right pane: the translation, sentence by sentence, each with what is to be said of it. Sentences that are not done
// yet keep their place, so that nothing jumps.

import { button, copyButton, h, number, t } from "../dom.js";

export class Result {
  // `onpoint(index)` for the sentence that is pointed at (-1 for none), `onopen(index, span)` for one that is pressed.
  constructor({ onpoint, onopen, ondownload, onpairs }) {
    Object.assign(this, { onopen });
    this.reset();
    this.text = h("div", { class: "tr-text", role: "group", "aria-label": t("tr_result") });
    this.bar = h("progress", { max: "1", hidden: true, "aria-label": t("tr_progress") });
    this.line = h("span", { class: "tr-line" });
    this.copy = copyButton(t("tr_copy"), () => this.whole());
    this.download = button(t("tr_download"), { iconName: "download", text: true, hidden: true, onclick: ondownload });
    this.pairs = button(t("tr_pairs"), { iconName: "table", onclick: onpairs });
    this.element = h("section", { class: "tr-pane tr-result", "aria-label": t("tr_result") }, this.bar,
      h("div", { class: "tr-paper reading" }, this.text), h("div", { class: "tr-foot" }, this.line, this.download, this.pairs, this.copy));
    this.text.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") onpoint(indexOf(event.target)); });
    this.text.addEventListener("pointerleave", () => onpoint(-1));
    this.text.addEventListener("focusin", (event) => onpoint(indexOf(event.target)));
    this.text.addEventListener("click", (event) => { const index = indexOf(event.target); if (this.spans[index]?.tabIndex !== undefined && index >= 0 && this.isOpen(index)) this.press(index); });
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.clear();
  }

  reset() {
    this.layout = null;
    this.views = [];
    this.spans = [];
    this.lit = null;
  }

  clear() {
    this.reset();
    this.text.replaceChildren(h("p", { class: "tr-blank" }, t("tr_blank")));
    this.line.textContent = "";
    this.copy.hidden = this.pairs.hidden = this.download.hidden = true;
  }

  // The text is cut: every sentence gets its place.
  begin(layout, direction) {
    this.reset();
    this.layout = layout;
    this.views = layout.sources.map(() => null);
    const headings = new Set(layout.headings);
    this.spans = layout.sources.map((text, index) => h("span", { class: headings.has(index) ? "ts pending heading" : "ts pending", "data-index": String(index), "aria-hidden": "true" }, text));
    this.text.dir = direction;
    this.text.lang = layout.target;
    this.text.replaceChildren(...layout.target_gaps.flatMap((gap, index) => [gap, this.spans[index] ?? ""]));
  }

  // The sentence that is being written.
  grow(index, text) {
    if (this.views[index] || !this.spans[index] || !text) return;
    this.spans[index].className = "ts growing";
    this.spans[index].textContent = text;
  }

  set(index, view) {
    const span = this.spans[index];
    this.views[index] = view;
    if (!span || !view) return;
    const flags = view.kept || !view.problems.length ? [] : [view.problems[0]];
    span.className = ["ts", view.kept ? "kept" : "", flags.length ? "flagged" : "", view.sureness === "unsure" ? "unsure" : "", this.layout.headings.includes(index) ? "heading" : "", span === this.lit ? "lit" : ""].filter(Boolean).join(" ");
    span.removeAttribute("aria-hidden");
    span.setAttribute("role", "button");
    span.setAttribute("aria-haspopup", "dialog");
    span.tabIndex = this.first() === index ? 0 : -1;
    span.replaceChildren(view.text || this.layout.sources[index], ...flags.map((problem) => h("small", { class: "tr-badge" }, t(`tr_badge_${problem}`))));
  }

  // All of a run that is complete, stopped or from before.
  finish(views) {
    for (const [index, view] of views.entries()) {
      if (view) this.set(index, view);
      else if (this.spans[index]) this.missing(index);
    }
    this.copy.hidden = this.pairs.hidden = false;
    this.roam(this.first());
  }

  // A sentence that was not reached stands as it was, and can be asked for on its own.
  missing(index) {
    const span = this.spans[index];
    span.className = "ts missing";
    span.removeAttribute("aria-hidden");
    span.setAttribute("role", "button");
    span.setAttribute("aria-haspopup", "dialog");
    span.tabIndex = -1;
    span.textContent = this.layout.sources[index];
  }

  wait(view) {
    this.bar.hidden = !view;
    if (!view) return;
    const { done = 0, total = 0 } = view;
    if (total) this.bar.value = done / total;
    else this.bar.removeAttribute("value");
    this.line.textContent = view.phase === "opening" ? t("tr_opening", { detail: view.detail ?? "" }) : view.stopping ? t("tr_stopping") : total ? t("tr_sentence", { done: number.format(Math.min(done + 1, total)), total: number.format(total) }) : t("tr_starting");
  }

  // The translation as one text, as it stands.
  whole() {
    if (!this.layout) return "";
    return this.layout.target_gaps.map((gap, index) => gap + (index < this.spans.length ? this.views[index]?.text || this.layout.sources[index] : "")).join("");
  }

  light(index) {
    this.lit?.classList.remove("lit");
    this.lit = this.spans[index] ?? null;
    this.lit?.classList.add("lit");
  }

  bring(index) { this.spans[index]?.scrollIntoView({ block: "nearest" }); }

  first() { return this.spans.findIndex((span, index) => this.views[index] || span.classList.contains("missing")); }

  isOpen(index) { return Boolean(this.views[index]) || this.spans[index]?.classList.contains("missing"); }

  // One sentence is in the order of the Tab key; arrows walk from it.
  roam(index) {
    for (const span of this.spans) if (span.tabIndex === 0) span.tabIndex = -1;
    if (this.spans[index]) this.spans[index].tabIndex = 0;
  }

  press(index) {
    if (String(getSelection()).trim()) return; // somebody marks a text to copy it
    this.roam(index);
    this.onopen(index, this.spans[index]);
  }

  key(event) {
    const index = indexOf(event.target);
    if (index < 0) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.roam(index); this.onopen(index, this.spans[index]); return; }
    if (!step) return;
    event.preventDefault();
    let next = index + step;
    while (this.spans[next] && !this.isOpen(next)) next += step;
    if (!this.spans[next]) return;
    this.roam(next);
    this.spans[next].focus();
  }
}

const indexOf = (node) => Number(node.closest?.("[data-index]")?.dataset.index ?? -1);

// What came of a run, in one line.
export function summaryOf(run) {
  const flagged = run.sentences.filter((one) => one && !one.kept && one.problems.length).length;
  const values = { done: number.format(run.done), total: number.format(run.sentences.length), seconds: number.format(Math.max(0.1, Math.round(run.seconds * 10) / 10)), model: run.model };
  const first = run.cancelled || run.done < run.sentences.length ? t("tr_stopped", values) : t(run.sentences.length === 1 ? "tr_done_one" : "tr_done", values);
  const unsure = run.sentences.filter((one) => one && !one.kept && !one.problems.length && one.sureness === "unsure").length;
  return [first, flagged ? t(flagged === 1 ? "tr_flagged_one" : "tr_flagged", { count: number.format(flagged) }) : "", unsure ? t("tr_unsure_count", { count: number.format(unsure) }) : ""].filter(Boolean).join(" · ");
}
