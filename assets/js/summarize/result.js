// The right pane: the summary as it is written, then sentence by sentence with what is to be checked; below it the
// text's own most central sentences, which need no model.

import { copyButton, h, number, t } from "../dom.js";

const LISTS = ["bullets", "key_points"];
const MARKER = /^[-•*]\s+/;

export class Result {
  // `onpoint(spans, bring)` for the places of the text that belong to what is pointed at, `onopen(index, node)` for a
  // sentence that is pressed.
  constructor({ onpoint, onopen }) {
    Object.assign(this, { onpoint, onopen });
    this.bar = h("progress", { max: "1", hidden: true, "aria-label": t("sm_progress") });
    this.text = h("div", { class: "sm-summary", role: "group", "aria-label": t("sm_result"), dir: "auto" });
    this.notes = h("div", { class: "sm-notes" });
    this.extract = h("section", { class: "sm-section sm-extract", hidden: true, "aria-label": t("sm_extract") });
    this.line = h("span", { class: "sm-line" });
    this.copy = copyButton(t("sm_copy"), () => this.whole());
    this.body = h("div", { class: "sm-body" }, this.text, this.notes, this.extract);
    this.element = h("section", { class: "sm-pane sm-result", "aria-label": t("sm_result") }, this.bar, this.body, h("div", { class: "sm-foot" }, this.line, this.copy));
    this.text.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.point(indexOf(event.target)); });
    this.text.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.point(-1); });
    this.text.addEventListener("focusin", (event) => this.point(indexOf(event.target)));
    this.text.addEventListener("click", (event) => this.press(indexOf(event.target)));
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.clear();
  }

  clear() {
    this.view = null;
    this.spans = [];
    this.sentences = [];
    this.text.replaceChildren(h("p", { class: "sm-blank" }, t("sm_blank")));
    this.notes.replaceChildren();
    this.extract.hidden = true;
    this.line.textContent = "";
    this.copy.hidden = true;
  }

  begin() {
    this.clear();
    this.text.replaceChildren(h("div", { class: "sm-skeleton", "aria-hidden": "true" }, ...[92, 78, 85].map((width) => h("span", { style: `width: ${width}%` }))));
  }

  // The summary as far as it is written.
  draft(text, form) {
    if (!text) return;
    const lines = text.split("\n").filter((line) => line.trim());
    this.text.replaceChildren(LISTS.includes(form) ? h("ul", {}, ...lines.map((line) => h("li", {}, line.replace(MARKER, "")))) : h("div", {}, ...lines.map((line) => h("p", {}, line))));
    this.text.classList.add("growing");
  }

  // The text's own most central sentences.
  central(spans, text) {
    if (!spans?.length) return;
    this.extract.hidden = false;
    this.extract.replaceChildren(h("h2", {}, t("sm_extract")), h("p", { class: "hint" }, t("sm_extract_about")), h("ul", {}, ...spans.map((span) => h("li", {}, this.place(span, text.slice(...span).trim().replace(/\s+/g, " "), "sm-central")))));
  }

  // A stretch of the text as something to press: it lights up there.
  place(span, words, name) {
    return h("button", { type: "button", class: name, dir: "auto", onclick: () => this.onpoint([span], true), onpointerenter: (event) => { if (event.pointerType === "mouse") this.onpoint([span], true); }, onpointerleave: (event) => { if (event.pointerType === "mouse") this.onpoint([]); }, onfocus: () => this.onpoint([span], true) }, words);
  }

  finish(view, text) {
    this.view = view;
    this.spans = [];
    this.sentences = [];
    this.text.classList.remove("growing");
    const isList = LISTS.includes(view.form) && view.lines.length > 0;
    const lines = view.lines.map((line) => h(isList ? "li" : "p", {}, ...line.sentences.flatMap((one) => [one.before, this.sentence(one)]), line.quote ? this.place(line.quote, `“${text.slice(...line.quote).trim().replace(/\s+/g, " ")}”`, "sm-quote") : null));
    this.text.lang = view.language;
    this.text.replaceChildren(isList ? h("ul", {}, ...lines) : h("div", {}, ...lines));
    this.notes.replaceChildren(...this.remarks(view));
    this.central(view.origin === "extract" ? [] : view.extract, text);
    if (view.origin === "extract") this.extract.hidden = true;
    this.copy.hidden = false;
    this.roam(0);
  }

  // Whether the words of the summary can be compared with those of the text: not across languages.
  get compared() { return this.sentences.some((one) => one.evidence.length); }

  sentence(one) {
    const index = this.sentences.push(one) - 1;
    let at = 0;
    const pieces = one.flags.flatMap(([, , start, end]) => {
      const found = [one.text.slice(at, start), h("mark", {}, one.text.slice(start, end))];
      at = end;
      return found;
    });
    const node = h("span", { class: one.flags.length ? "ss flagged" : one.evidence.length ? "ss" : "ss alone", role: "button", "aria-haspopup": "dialog", tabindex: "-1", "data-index": String(index) }, ...pieces, one.text.slice(at));
    this.spans.push(node);
    return node;
  }

  // What a reader should know about this summary, in plain sentences.
  remarks(view) {
    const said = [];
    const flags = this.sentences.flatMap((one) => one.flags);
    if (view.origin === "extract") said.push(h("p", { class: "sm-remark" }, view.cancelled ? t("sm_instead_stopped") : t("sm_instead", { reason: t(`sm_fault_${view.faults[0] ?? "empty"}`) })));
    if (flags.length) said.push(h("div", { class: "sm-remark check" }, h("strong", {}, t(flags.length === 1 ? "sm_check_one" : "sm_check", { count: number.format(flags.length) })), h("ul", {}, ...flags.map(([kind, text]) => h("li", {}, t(`sm_flag_${kind}`, { text }))))));
    const alone = this.sentences.filter((one) => !one.evidence.length).length;
    if (view.origin === "model" && !this.compared) said.push(h("p", { class: "sm-remark" }, t("sm_not_compared")));
    else if (alone) said.push(h("p", { class: "sm-remark" }, t(alone === 1 ? "sm_alone_one" : "sm_alone", { count: number.format(alone) })));
    if (view.dropped.length) said.push(h("details", { class: "sm-remark" }, h("summary", {}, t(view.dropped.length === 1 ? "sm_dropped_one" : "sm_dropped", { count: number.format(view.dropped.length) })), h("ul", {}, ...view.dropped.map((one) => h("li", { dir: "auto" }, one)))));
    return said;
  }

  wait(view, line) {
    this.bar.hidden = !view;
    if (!view) { this.text.classList.remove("growing"); return; }
    if (["parts", "together"].includes(view.phase) && view.total) this.bar.value = view.done / view.total;
    else if (view.phase === "reading" && view.to_read) this.bar.value = view.read / view.to_read;
    else this.bar.removeAttribute("value");
    this.line.textContent = line;
  }

  whole() {
    if (!this.view) return "";
    return this.view.lines.map((line) => (LISTS.includes(this.view.form) ? "- " : "") + line.sentences.map((one) => one.before + one.text).join("")).join("\n");
  }

  // The sentence that is pointed at here, or that comes from what is pointed at in the text.
  light(indices) {
    for (const [index, span] of this.spans.entries()) span.classList.toggle("lit", indices.includes(index));
  }

  point(index) {
    if (!this.view) return;
    this.light(index < 0 ? [] : [index]);
    this.onpoint(this.sentences[index]?.evidence ?? [], true);
  }

  press(index) {
    if (index < 0 || String(getSelection()).trim()) return; // somebody marks a text to copy it
    this.roam(index);
    this.point(index);
    this.onopen(index, this.spans[index]);
  }

  // One sentence is in the order of the Tab key; arrows walk from it.
  roam(index) { for (const [at, span] of this.spans.entries()) span.tabIndex = at === index ? 0 : -1; }

  key(event) {
    const index = indexOf(event.target);
    if (index < 0) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.press(index); return; }
    const next = index + ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key] ?? 0);
    if (next === index) return;
    event.preventDefault();
    if (!this.spans[next]) return;
    this.roam(next);
    this.spans[next].focus();
  }
}

const indexOf = (node) => Number(node.closest?.("[data-index]")?.dataset.index ?? -1);
