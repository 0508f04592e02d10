// The left pane: the text or the file that is to be translated. The text stays in its box, always editable; behind the
// box lies the same text cut into sentences, which light up and tell what is pointed at.

import { button, composing, h, memory, number, t } from "../dom.js";

const LOOK_DELAY_MS = 350;
const LONGEST_DRAFT = 50_000;

export class Source {
  // `onedit()` when the text is being changed, `onlook(text)` when that has paused, `onpress` for the button, `onpoint(index)` for the sentence that is
  // pointed at (-1 for none).
  constructor({ onedit, onlook, onpress, onpoint, onfile, onclear }) {
    Object.assign(this, { onedit, onlook, onpoint });
    this.file = null;
    this.layout = null;
    this.box = h("textarea", { id: "tr-text", placeholder: t("tr_placeholder"), "aria-label": t("tr_source"), dir: "auto", spellcheck: "false" });
    this.mirror = h("div", { class: "tr-mirror", "aria-hidden": "true" });
    this.paper = h("div", { class: "tr-paper" }, this.mirror, this.box);
    this.card = h("div", { class: "tr-file", hidden: true });
    this.count = h("span", { class: "tr-count" });
    this.picker = h("input", { type: "file", accept: ".txt,.md,.srt,.vtt,.docx,.html,.htm", hidden: true, onchange: () => { const [file] = this.picker.files; this.picker.value = ""; if (file) onfile(file); } });
    this.clearButton = button(t("tr_clear"), { iconName: "close", class: "tr-clear", hidden: true, onclick: () => { onclear(); this.box.focus(); } });
    this.go = h("button", { type: "button", class: "b primary tr-go", title: "Ctrl + Enter", onclick: onpress }, t("tr_translate"));
    this.pick = button(t("tr_open_file"), { iconName: "upload", text: true, class: "tr-pick", onclick: () => this.picker.click() });
    this.element = h("section", { class: "tr-pane tr-source", "aria-label": t("tr_source") }, this.clearButton, this.card, this.paper,
      h("div", { class: "tr-foot" }, this.count, this.pick, this.go), this.picker);
    this.wire(onpress, onfile);
    this.tell();
  }

  wire(onpress, onfile) {
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !composing(event)) { event.preventDefault(); onpress(); }
    });
    // Where the caret or the pointer is, there is a sentence behind the box.
    for (const name of ["keyup", "click"]) this.box.addEventListener(name, () => this.onpoint(this.at(this.box.selectionStart), true));
    this.paper.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse" || !this.layout) return;
      const found = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.dataset?.index !== undefined && this.mirror.contains(one));
      this.onpoint(found ? Number(found.dataset.index) : -1);
    });
    this.paper.addEventListener("pointerleave", () => this.onpoint(-1));
    this.mirror.addEventListener("click", (event) => { const one = event.target.closest("[data-index]"); if (one) this.onpoint(Number(one.dataset.index), true); });
    for (const name of ["dragenter", "dragover"]) this.element.addEventListener(name, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      this.element.classList.add("dropping");
    });
    this.element.addEventListener("dragleave", (event) => { if (!this.element.contains(event.relatedTarget)) this.element.classList.remove("dropping"); });
    this.element.addEventListener("drop", (event) => {
      this.element.classList.remove("dropping");
      const [file] = event.dataTransfer.files;
      if (file) { event.preventDefault(); onfile(file); }
    });
  }

  get text() { return this.box.value; }

  get empty() { return !this.file && !this.box.value.trim(); }

  // The text was changed by hand: what was said of the old one does not hold any more.
  changed() {
    this.onedit();
    this.unpair();
    this.tell();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      memory.set("translate_draft", this.text.length <= LONGEST_DRAFT ? this.text : null);
      this.onlook(this.text);
    }, LOOK_DELAY_MS);
  }

  put(text) {
    this.drop();
    this.box.value = text;
    this.unpair();
    this.tell();
    clearTimeout(this.timer);
    memory.set("translate_draft", text.length <= LONGEST_DRAFT ? text : null);
    return this.onlook(text);
  }

  clear() {
    this.drop();
    this.put("");
  }

  // A file takes the place of the box; its text is shown, to be read only.
  show(file) {
    this.file = file;
    this.box.hidden = true;
    this.paper.classList.add("reading");
    this.unpair();
    this.mirror.textContent = file.text;
    this.mirror.removeAttribute("aria-hidden");
    this.card.hidden = false;
    this.card.replaceChildren(h("strong", { dir: "auto" }, file.name), h("span", {}, t("tr_file_facts", { sentences: number.format(file.sentences), characters: number.format(file.characters) })));
    this.tell();
  }

  drop() {
    this.file = null;
    this.box.hidden = false;
    this.paper.classList.remove("reading");
    this.card.hidden = true;
    this.mirror.setAttribute("aria-hidden", "true");
    this.unpair();
  }

  // The text as it was cut. Offsets in the box are those of JavaScript's strings.
  pair(layout) {
    const whole = layout.gaps.map((gap, index) => gap + (layout.sources[index] ?? "")).join("");
    if (!this.file && whole !== this.box.value) return;
    this.layout = layout;
    this.spans = layout.sources.map((text, index) => h("span", { "data-index": String(index) }, text));
    this.mirror.replaceChildren(...layout.gaps.flatMap((gap, index) => [gap, this.spans[index] ?? ""]), "\n");
    this.starts = [];
    let place = 0;
    for (const [index, gap] of layout.gaps.entries()) {
      place += gap.length;
      this.starts.push(place);
      place += (layout.sources[index] ?? "").length;
    }
  }

  unpair() {
    this.layout = null;
    this.spans = [];
    if (!this.file) this.mirror.replaceChildren(`${this.box.value}\n`); // it gives the box its height
  }

  at(offset) {
    if (!this.layout) return -1;
    const index = this.starts.findLastIndex((start) => start <= offset);
    return index >= 0 && index < this.spans.length && offset <= this.starts[index] + this.layout.sources[index].length ? index : -1;
  }

  light(index) {
    this.lit?.classList.remove("lit");
    this.lit = this.spans?.[index];
    this.lit?.classList.add("lit");
  }

  tell(tokens = null) {
    const { length } = this.file ? { length: this.file.characters } : this.box.value;
    this.count.textContent = !length ? "" : t(tokens === null ? "tr_characters" : tokens === 1 ? "tr_characters_token" : "tr_characters_tokens", { characters: number.format(length), tokens: number.format(tokens ?? 0) });
    this.clearButton.hidden = !length && !this.file;
  }

  wait(busy, stopping) {
    this.go.textContent = t(stopping ? "tr_stopping" : busy ? "stop" : "tr_translate");
    this.go.classList.toggle("stopping", busy);
    this.go.disabled = stopping;
    this.pick.disabled = this.clearButton.disabled = busy;
    this.box.readOnly = busy; // the sentences on the page are those of this text
  }
}
