// The left pane of a tab that works on a text: a box to write in, or, once something is known of the text, a page to
// read, in which places light up. Also whole files and pages of the web come in here. What is done with the text is the
// tab's. Places are in UTF-16 units, as the server sends them.

import { button, composing, h, memory, number, t, toast } from "../dom.js";

const LOOK_DELAY_MS = 500;
const LONGEST_DRAFT = 50_000;
const KINDS = ".pdf,.docx,.html,.htm,.txt,.md,.srt,.vtt";

export class SourcePane {
  // `id` of the box, `draft` the name under which its text is remembered, `words`: {source, placeholder, go, stopping},
  // texts that are shown; without `words.go` there is no button. `onlook(text)` when the text has been changed, `onpress`
  // for the button, `onfile(file)`, `onaddress(anchor)`, `onclear` and `onedit` once that is done, `onpoint(offset,
  // pressed)` for the place in the text that is pointed at (-1 for none).
  constructor({ id, draft, words, onlook, onpress, onfile, onaddress, onclear, onedit, onpoint }) {
    Object.assign(this, { draft, words, onlook, onpoint });
    this.name = "";
    this.pages = [];
    this.pieces = [];
    this.box = h("textarea", { id, placeholder: words.placeholder, "aria-label": words.source, dir: "auto", spellcheck: "false" });
    this.reader = h("div", { class: "src-reader", hidden: true, tabindex: "0", role: "region", "aria-label": words.source, dir: "auto" });
    this.card = h("div", { class: "src-file", hidden: true });
    this.cover = h("div", { class: "src-cover", hidden: true });
    this.meter = h("span", { class: "src-meter", "aria-live": "polite" });
    this.picker = h("input", { type: "file", accept: KINDS, hidden: true, onchange: () => { const [file] = this.picker.files; this.picker.value = ""; if (file) onfile(file); } });
    this.edit = button(t("src_edit"), { iconName: "edit", hidden: true, onclick: () => { this.write(); onedit(); this.box.focus(); } });
    this.clearButton = button(t("src_clear"), { iconName: "close", hidden: true, onclick: () => { this.clear(); onclear(); this.box.focus(); } });
    this.fileButton = button(t("src_file"), { iconName: "upload", text: true, onclick: () => this.picker.click() });
    this.addressButton = button(t("src_address"), { iconName: "link", text: true, "aria-haspopup": "dialog", onclick: () => onaddress(this.addressButton) });
    this.go = words.go ? h("button", { type: "button", class: "b primary src-go", title: "Ctrl + Enter", onclick: onpress }, words.go) : null;
    this.element = h("section", { class: "src-pane", "aria-label": words.source }, this.card,
      h("div", { class: "src-paper" }, this.box, this.reader), this.cover,
      h("div", { class: "src-foot" }, this.meter, h("div", { class: "src-from" }, this.fileButton, this.addressButton, this.edit, this.clearButton), this.go), this.picker);
    this.wire(onpress, onfile);
  }

  wire(onpress, onfile) {
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !composing(event)) { event.preventDefault(); onpress(); }
    });
    const place = (event) => Number(event.target.closest?.("[data-start]")?.dataset.start ?? -1);
    this.reader.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.onpoint(place(event)); });
    this.reader.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.onpoint(-1); });
    this.reader.addEventListener("click", (event) => this.onpoint(place(event), true));
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

  get empty() { return !this.box.value.trim(); }

  get reading() { return !this.reader.hidden; }

  // An address alone: its page is what is meant.
  get asAddress() { return /^https?:\/\/\S+$/i.test(this.text.trim()) ? this.text.trim() : ""; }

  changed() {
    this.clearButton.hidden = !this.text;
    if (this.empty) this.drop();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), LOOK_DELAY_MS);
  }

  keep() {
    memory.set(this.draft, this.text.length <= LONGEST_DRAFT ? this.text : null);
    this.onlook(this.text);
  }

  // A whole text takes the place of the old one; `from` tells of the file or the page that it comes from.
  put(text, from = null) {
    this.write();
    this.box.value = text;
    this.box.scrollTop = 0;
    this.drop();
    if (from) this.tellOf(from);
    this.clearButton.hidden = !text;
    clearTimeout(this.timer);
    this.keep();
  }

  // Away with it; for a moment it can be had back.
  clear() {
    const { text, from } = this;
    this.put("");
    if (text.trim()) toast(t("src_cleared"), { action: t("undo"), onaction: () => { if (this.empty) this.put(text, from); } });
  }

  tellOf({ name = "", notes = [], pages = [] }) {
    this.from = { name, notes, pages };
    this.name = name;
    this.pages = pages;
    this.card.hidden = !name;
    this.card.replaceChildren(h("strong", { dir: "auto" }, name), ...notes.map((note) => h("span", {}, note)));
  }

  drop() { this.tellOf({}); }

  // The page of a PDF on which a place is, null where there are no pages.
  pageAt(offset) {
    const passed = this.pages.filter((start) => start <= offset).length;
    return passed || null;
  }

  write() {
    if (this.reader.hidden) return;
    const share = this.reader.scrollTop / Math.max(1, this.reader.scrollHeight);
    this.box.hidden = false;
    this.reader.hidden = true;
    this.edit.hidden = true;
    this.cover.hidden = true;
    this.box.scrollTop = share * this.box.scrollHeight;
  }

  // The text as a page, cut wherever one of `spans` begins or ends.
  read(spans) {
    const { text } = this;
    const places = [...new Set([0, text.length, ...spans.flat()])].filter((place) => place >= 0 && place <= text.length).sort((a, b) => a - b);
    this.pieces = places.slice(0, -1).map((start, index) => {
      const end = places[index + 1];
      return { start, end, node: h("span", { "data-start": String(start) }, text.slice(start, end)) };
    });
    const scroll = this.reader.hidden ? this.box.scrollTop : this.reader.scrollTop;
    this.reader.replaceChildren(...this.pieces.map((piece) => piece.node));
    this.box.hidden = true;
    this.reader.hidden = false;
    this.edit.hidden = false;
    this.reader.scrollTop = scroll;
  }

  // Gives the class `name` to what stands in `spans`, and to nothing else.
  mark(name, spans) {
    for (const { node, start, end } of this.pieces) node.classList.toggle(name, spans.some(([first, last]) => first < end && start < last));
  }

  // Lights up what stands in `spans`; with `bring` scrolls there, inside the pane.
  light(spans, { bring = false } = {}) {
    this.mark("lit", spans);
    if (!bring || !spans.length) return;
    const first = this.pieces.find(({ node }) => node.classList.contains("lit"));
    if (!first || this.reader.hidden) return;
    const [box, own] = [first.node.getClientRects()[0] ?? first.node.getBoundingClientRect(), this.reader.getBoundingClientRect()];
    if (box.top >= own.top + 8 && box.bottom <= own.bottom - 8) return;
    const by = box.top - own.top - own.height / 4;
    const jumps = Math.abs(by) > 2 * own.height || matchMedia("(prefers-reduced-motion: reduce)").matches; // a long way is no help
    this.reader.scrollTo({ top: this.reader.scrollTop + by, behavior: jumps ? "auto" : "smooth" });
  }

  show() { this.reader.scrollIntoView({ block: "nearest" }); }

  // The bar of what was read: a piece for every part, filled as it is done; `saying` stands beside it.
  covered(parts, read, saying = "") {
    this.cover.hidden = !parts.length;
    if (!parts.length) return;
    const isRead = ([start, end]) => read.some(([first, last]) => first < end && start < last);
    const bar = h("div", { class: "src-cover-bar", "aria-hidden": "true" }, ...parts.map((part) => h("span", { class: isRead(part) ? "read" : "", style: `flex-grow: ${Math.max(1, part[1] - part[0])}` })));
    this.cover.replaceChildren(bar, h("span", {}, saying));
  }

  // A line under the text; how long it is where there is nothing else to say.
  tell(saying = "", { refused = false } = {}) {
    const { length } = this.text;
    this.meter.textContent = saying || !length ? saying : t("src_characters", { characters: number.format(length) });
    this.meter.classList.toggle("refused", refused);
  }

  wait(busy, stopping) {
    if (this.go) {
      this.go.textContent = stopping ? this.words.stopping : busy ? t("stop") : this.words.go;
      this.go.classList.toggle("stopping", busy);
      this.go.disabled = stopping;
    }
    for (const one of [this.fileButton, this.addressButton, this.edit, this.clearButton]) one.disabled = busy;
  }
}
