// The extract tab: a text, a file or an address on the left, on the right a table of what it says, each value tied to its
// places in the text. The server keeps the table; this page holds its name and what is being looked at.

import { announce, beginning, button, copyButton, h, memory, number, page, saveFile, t } from "../dom.js";
import { Earlier } from "../earlier.js";
import { Elsewhere } from "../source/elsewhere.js";
import { SourcePane } from "../source/pane.js";
import { TaskTab } from "../task_tab.js";
import { Changes } from "./changes.js";
import { Columns } from "./columns.js";
import { Result } from "./result.js";
import { asLines, endLine, namesOf, progressLine } from "./words.js";

const EXAMPLES = { minutes: "overview", invoice: "amounts", story: "people" }; // each with what its title asks for
const SHORT_TEXT = 3000;

export function mount(element, given) {
  new ExtractTab({ element, ...given });
}

class ExtractTab extends TaskTab {
  constructor(given) {
    super("extract", given);
    this.build();
    this.columns.offer(given.props.value ?? {});
    this.enter(given);
  }

  build() {
    const { server } = this;
    const words = { source: t("ex_source"), placeholder: t("ex_placeholder"), go: t("ex_go"), stopping: t("ex_stopping") };
    this.columns = new Columns({ server, onchange: () => this.changed() });
    this.source = new SourcePane({
      id: "ex-text", draft: "extract_draft", words, onlook: () => this.look(), onpress: () => this.press(), onfile: (file) => { if (!this.busy) this.elsewhere.openFile(file); },
      onaddress: (anchor) => this.elsewhere.ask(anchor), onclear: () => this.forget(), onedit: () => this.forget(), onpoint: (offset, pressed) => this.pointAtText(offset, pressed),
    });
    this.elsewhere = new Elsewhere({ server, go: t("ex_go"), ontext: (answer) => this.adoptText(answer), onsay: (sentence) => this.say(sentence), onrefuse: (sentence) => this.refuse(sentence) });
    this.changes = new Changes({ server, onshow: (span) => { this.source.show(); this.light([span], true); }, onchange: (run, place) => this.adoptChange(run, place), onrefuse: (sentence) => this.refuse(sentence) });
    this.result = new Result({
      onpoint: (spans, bring) => this.light(spans, bring), onopen: (place, node) => this.changes.open(place, node), onremove: (row) => this.changes.removeRow(row), onaddrow: (node) => this.changes.addRow(node),
      tools: [this.changes.undoButton, copyButton(t("ex_copy"), () => asLines(this.run)), button("CSV", { iconName: "download", text: true, onclick: () => this.save("csv") }), button("JSON", { iconName: "download", text: true, onclick: () => this.save("json") })],
    });
    this.earlier = new Earlier({
      words: "ex_earlier", server,
      describe: (entry) => ({ label: entry.name || beginning(entry.text, 100), before: entry.preset ? t(`ex_preset_${entry.preset}`) : beginning(entry.columns, 40), after: entry.model }),
      onentry: (id) => this.open(id), onforgotten: (id) => { if (id === this.run?.id) this.forget(); },
    });
    this.notice = h("div", { class: "ex-notice", "aria-live": "polite" });
    this.empty = h("div", { class: "ex-empty" }, h("h1", {}, t("ex_title")), h("p", {}, t(page.shared ? "ex_about_shared" : "ex_about")));
    this.examples = h("div", { class: "ex-examples" }, Object.keys(EXAMPLES).map((name) => h("button", { type: "button", class: "example", onclick: () => this.example(name) },
      h("strong", {}, t(`ex_example_${name}`)), h("span", { dir: "auto" }, t(`ex_example_${name}_text`)))));
    const work = h("section", { class: "ex-work" }, this.columns.element, this.columns.editor, h("div", { class: "ex-panes" }, this.source.element, this.result.element), this.notice);
    this.column = h("div", { class: "ex-column" }, this.empty, work, h("div", { class: "ex-under" }, this.earlier.element), this.examples);
    this.element.replaceChildren(h("div", { class: "ex" }, h("div", { class: "ex-scroll", tabindex: "-1" }, this.column)));
  }

  look() {
    if (!this.source.empty && this.source.asAddress) this.source.tell(t("src_is_address"));
    else this.source.tell();
    if (this.source.empty) this.notice.replaceChildren();
  }

  // Another preset for a short text is looked for at once; else the button waits.
  changed() {
    if (!this.run || this.busy) return;
    if (this.columns.preset && this.source.text.length <= SHORT_TEXT) this.start();
    else this.say(t("ex_press_again"));
  }

  example(name) {
    if (this.busy) return;
    this.columns.set(this.columns.presets.find((one) => one.name === EXAMPLES[name]));
    this.source.put(t(`ex_example_${name}_text`));
    this.start();
  }

  press() {
    if (this.busy) { this.stop(); return; }
    if (this.source.empty) { this.source.box.focus(); return; }
    if (this.source.asAddress) { this.elsewhere.openAddress(this.source.asAddress).then((done) => { if (done) this.start(); }); return; }
    this.start();
  }

  start() {
    if (this.busy || this.source.empty) return;
    this.sequence += 1;
    Object.assign(this, { news: 0, run: null });
    this.notice.replaceChildren();
    this.columns.toggle(false);
    this.result.begin(this.columns.schema, this.columns.preset);
    this.source.read([]);
    this.wait({ phase: "starting" });
    const schema = this.columns.preset || this.columns.schema;
    this.ask({ name: this.source.name, text: this.source.text, schema });
  }

  askToStop(request) { return this.server.stop_extract(request); }

  askForNews(request) { return this.server.extract_news(request); }

  wait(view) {
    this.note(view);
    this.source.wait(this.busy, Boolean(view?.stopping));
    this.result.wait(view, view ? progressLine(view) : "");
    this.settle();
  }

  // With something on the page the title steps back.
  settle() {
    const begun = this.busy || this.run !== null;
    this.empty.hidden = begun;
    this.examples.hidden = begun;
    this.column.classList.toggle("begun", begun);
  }

  follow(view) {
    if (view.news > this.news) this.pull();
  }

  // Fetches the table as far as it is there; one question at a time.
  async pull() {
    if (this.pulling) return;
    this.pulling = true;
    const asked = this.sequence;
    const answer = await this.server.extract_news({ tab: this.tab, sequence: asked });
    this.pulling = false;
    if (asked !== this.sequence || !this.busy || answer.error || !answer.table) return;
    this.news = answer.news;
    this.show(answer.table, { growing: true });
  }

  end(view) {
    this.wait(null);
    if (view.refused) this.refuse(view.refused);
    if (view.run) { this.open(view.run, { own: true }); return; }
    this.result.clear();
    this.source.write();
    if (!view.refused) this.result.line.textContent = t("ex_stopped_empty");
  }

  // A whole table: the one that has just been made, or one from before.
  async open(id, { quiet = false, own = false, draft = null } = {}) {
    const asked = this.sequence;
    const run = await this.server.open_table({ run: id, whole: !own });
    if (asked !== this.sequence) return;
    if (run.error) {
      if (quiet) { memory.set("extract_run", null); if (draft) this.source.put(draft); } else this.refuse(run.error);
      return;
    }
    if (!own) this.adopt(run);
    memory.set("extract_run", run.stored ? id : null);
    this.run = run;
    this.changes.begin(run);
    this.show(run);
    this.settle();
    if (own) announce(`${this.result.line.textContent}. ${asLines(run).slice(0, 1000)}`);
  }

  show(table, { growing = false } = {}) {
    const spans = table.rows.flat(2).flatMap((value) => value.spans);
    const parts = table.parts.length > 1 ? table.parts : [];
    this.source.read([...spans, ...parts]);
    this.source.mark("used", spans);
    if (parts.length && !growing) this.source.mark("unread", parts.filter(([start]) => !table.read.some(([first]) => first === start)));
    const saying = table.read.length < parts.length ? t("ex_parts_read", { read: number.format(table.read.length), parts: number.format(parts.length) }) : t("ex_parts_all", { parts: number.format(parts.length) });
    this.source.covered(parts, table.read, saying);
    this.result.show(table, { growing });
    if (!growing) this.result.line.textContent = endLine(table);
  }

  // The page takes over what a table from before was made of.
  adopt(run) {
    this.notice.replaceChildren();
    this.result.clear();
    this.columns.toggle(false);
    const preset = this.columns.presets.find((one) => one.name === run.preset);
    this.columns.set(preset ?? run.schema, preset ? {} : { preset: "" });
    this.source.put(run.source, run.settings?.name ? { name: run.settings.name } : null);
  }

  light(spans, bring = false) {
    if (!this.source.pieces.length) return;
    this.source.light(spans, { bring });
  }

  // A place in the text is pointed at: the values that stand there light up.
  pointAtText(offset, pressed) {
    if (!this.run) return;
    const first = this.result.light(offset);
    const value = first ? this.result.valueOf(first.place) : null;
    this.light(value ? value.spans.filter(([start, end]) => start <= offset && offset < end) : []);
    if (pressed && first) this.result.focus(first.place);
  }

  // The table as somebody has changed it by hand.
  adoptChange(run, place) {
    if (this.run?.id !== run.id) return;
    this.run = run;
    this.show(run);
    if (place) this.result.focus(place);
  }

  async save(form) {
    const file = await this.server.save_table({ run: this.run.id, form, columns: namesOf(this.run) });
    if (file.error) { this.refuse(file.error); return; }
    saveFile(file.name, file.content, file.type);
  }

  // A text that was read from a file or a page.
  adoptText(answer) {
    this.forget();
    this.source.put(answer.text, answer);
    this.source.go.focus();
  }

  // The table goes from the page; its entry stays.
  forget() {
    this.run = null;
    this.sequence += 1;
    memory.set("extract_run", null);
    this.source.write();
    this.result.clear();
    this.notice.replaceChildren();
    this.settle();
  }
}

