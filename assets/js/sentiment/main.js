// The sentiment tab. First level: one text, its verdict, what its words and sentences do. Second level: many texts. The
// server keeps what was judged; this page holds its name and what is being looked at.

import { announce, beginning, h, memory, page, t } from "../dom.js";
import { Earlier } from "../earlier.js";
import { TaskTab } from "../task_tab.js";
import { Aspects } from "./aspects.js";
import { explanation } from "./explain.js";
import { Labels } from "./labels.js";
import { ManyTexts } from "./many.js";
import { JudgeChoice } from "./model.js";
import { Others } from "./others.js";
import { Reader } from "./reader.js";
import { Source } from "./source.js";
import { Tries } from "./tries.js";
import { progressLine, Verdict } from "./verdict.js";
import { labelName, percent, verdictOf, verdictText } from "./words.js";

const EXAMPLES = { hotel: "sentiment", message: "urgency", diary: "emotions" }; // each with the labels that its title asks for

export function mount(element, given) {
  new SentimentTab({ element, ...given });
}

class SentimentTab extends TaskTab {
  constructor(given) {
    super("sentiment", given);
    this.build();
    this.enter(given);
  }

  recall(handed) {
    this.turn(memory.get("sentiment_level") === "many" && !handed ? "many" : "one");
    super.recall(handed);
  }

  escape() { if (this.level === "one" || !this.many.stop()) super.escape(); }

  build() {
    const { server } = this;
    const run = () => this.run;
    const onrefuse = (sentence) => this.refuse(sentence);
    this.labels = new Labels({ server, onchange: () => this.relabelled() });
    this.model = new JudgeChoice({ server, onchange: () => this.relabelled() });
    this.reader = new Reader({ onword: (word) => { if (this.run && !this.busy) this.tries.open(word, word.node); }, onsentence: (index) => this.sentence(index) });
    this.source = new Source({ reader: this.reader, onpress: () => this.press(), onedit: () => this.forget(), onclear: () => this.forget() });
    this.verdict = new Verdict({ onlabel: (index) => this.paintFor(index) });
    this.tries = new Tries({ server, reader: () => this.reader, run, onrefuse });
    this.aspects = new Aspects({ server, run, onrefuse, onlight: (spans) => this.reader.light(spans) });
    this.others = new Others({ server, run, oncompare: (wish) => this.start("compare", { run: this.run.id, ...wish, names: this.model.namesOf(wish.model) }) });
    this.why = h("details", { class: "se-section se-why", hidden: true }, h("summary", {}, t("se_why")), h("div", {}));
    this.earlier = new Earlier({
      words: "se_earlier", server,
      describe: (entry) => ({ label: beginning(entry.text, 100), before: entry.label ? `${labelName(entry.label)} ${percent(entry.share)}` : "", after: entry.model }),
      onentry: (id) => this.open(id), onforgotten: (id) => { if (id === this.run?.id) this.forget(); },
    });
    this.many = new ManyTexts({ server, labels: () => this.labels.value, model: () => this.model.value, onopen: (text) => { this.turn("one"); this.take({ text }); } });
    this.levels = h("div", { class: "segments se-levels", role: "radiogroup", "aria-label": t("se_levels"), onkeydown: (event) => { if (/^Arrow/.test(event.key)) { event.preventDefault(); this.turn(this.level === "one" ? "many" : "one", true); } } },
      ["one", "many"].map((level) => h("button", { type: "button", role: "radio", "data-level": level, onclick: () => this.turn(level) }, t(`se_level_${level}`))));
    this.lay();
  }

  lay() {
    this.notice = h("div", { class: "se-notice", "aria-live": "polite" });
    this.empty = h("div", { class: "se-empty" }, h("h1", {}, t("se_title")), h("p", {}, t(page.shared ? "se_about_shared" : "se_about")));
    this.examples = h("div", { class: "se-examples" }, Object.keys(EXAMPLES).map((name) => h("button", { type: "button", class: "example", onclick: () => this.example(name) }, h("strong", {}, t(`se_example_${name}`)), h("span", { dir: "auto" }, t(`se_example_${name}_text`)))));
    this.one = h("div", { class: "se-one" }, h("section", { class: "se-work" }, h("div", { class: "se-panes" }, this.source.element, this.verdict.element), this.notice),
      h("div", { class: "se-sections" }, h("div", {}, this.tries.element, this.others.element), h("div", {}, this.aspects.element, this.why)), this.examples);
    this.bar = h("div", { class: "se-options" }, this.labels.element, this.model.element);
    this.column = h("div", { class: "se-column" }, h("div", { class: "se-head" }, this.levels, this.earlier.element), this.empty, this.bar, this.one, this.many.element);
    this.element.replaceChildren(h("div", { class: "se" }, h("div", { class: "se-scroll", tabindex: "-1" }, this.column)));
  }

  turn(level, focus = false) {
    this.level = level;
    memory.set("sentiment_level", level === "many" ? level : null);
    for (const node of this.levels.children) {
      const chosen = node.dataset.level === level;
      node.setAttribute("aria-checked", String(chosen));
      node.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) node.focus();
    }
    this.one.hidden = level !== "one";
    this.many.element.hidden = level !== "many";
    this.earlier.element.hidden = level !== "one";
    this.settle();
  }

  // Other labels, or another model: a text that is shown is judged again at once.
  relabelled() {
    this.labels.fix(this.model.fixedText);
    this.many.relabel();
    if (this.level === "one" && this.run && !this.busy) this.start();
  }

  example(name) {
    if (this.busy) return;
    this.labels.take({ set: EXAMPLES[name] });
    this.source.put(t(`se_example_${name}_text`));
    this.start();
  }

  press() {
    if (this.busy) this.stop();
    else if (this.source.empty) this.source.box.focus();
    else this.start();
  }

  // A text anew; or for the run that is shown: the words of a part ("words"), another model ("compare").
  start(kind = "text", more = {}) {
    if (this.busy || this.source.empty) return;
    this.sequence += 1;
    this.kind = kind;
    this.notice.replaceChildren();
    if (kind === "text") {
      this.run = null;
      this.clearSections();
      this.verdict.begin();
      this.reader.read(this.source.text);
      this.source.read();
    }
    this.wait({ phase: "starting" });
    const { model, names } = this.model.value;
    this.ask({ kind, text: kind === "text" ? this.source.text : "", labels: this.labels.value, model, names, ...more });
  }

  askToStop(request) { return this.server.stop_judging(request); }

  askForNews(request) { return this.server.sentiment_news(request); }

  neverBegan() {
    this.wait(null);
    if (!this.run) this.forget();
  }

  wait(view) {
    this.note(view);
    this.source.wait(this.busy, Boolean(view?.stopping));
    this.verdict.wait(view, view ? progressLine(view) : this.run ? this.madeLine() : "");
    this.settle();
  }

  settle() {
    const begun = this.busy || this.run !== null;
    this.empty.hidden = begun || this.level === "many";
    this.examples.hidden = begun;
    this.column.classList.toggle("begun", begun && this.level === "one");
  }

  follow(view) {
    if (this.kind === "text" && view.found?.labels) { this.verdict.show(view.found); this.reader.show(view.found); }
    else if (this.kind === "words" && view.found?.heats) this.reader.show({ ...this.run, ...view.found });
  }

  end(view) {
    const { kind } = this;
    this.wait(null);
    if (view.run) this.open(view.run, { own: true, announced: kind === "text" });
    else if (kind === "text") { this.verdict.clear(); this.source.write(); }
    if (view.refused) this.refuse(view.refused);
  }

  // A whole run: the one that has just been made, or one from before.
  async open(id, { quiet = false, own = false, announced = false, draft = null } = {}) {
    const asked = this.sequence;
    const run = await this.server.open_sentiment({ run: id });
    if (asked !== this.sequence) return;
    if (run.error) {
      if (quiet) { memory.set("sentiment_run", null); if (draft) this.source.put(draft); } else this.refuse(run.error);
      return;
    }
    if (!own) this.adopt(run);
    memory.set("sentiment_run", run.stored ? id : null);
    this.run = run;
    this.show(run);
    this.settle();
    if (announced) announce(this.verdictLine(run));
  }

  // The page takes over what a run from before was made of.
  adopt(run) {
    this.turn("one");
    this.notice.replaceChildren();
    this.clearSections();
    this.labels.take(run.settings.labels ?? {});
    this.model.take(run.settings.model ?? "", run.model);
    this.labels.fix(this.model.fixedText);
    this.source.put(run.text);
    this.reader.read(run.text);
    this.source.read();
  }

  show(run) {
    this.verdict.show(run);
    this.reader.show(run);
    this.verdict.wait(null, this.madeLine());
    this.tries.show(run.tries);
    this.aspects.show(run);
    this.others.show(run);
    this.why.hidden = false;
    this.why.lastChild.replaceChildren(...explanation(run));
    this.model.ask(run);
  }

  verdictLine(run) {
    const names = run.labels.map(([name]) => name);
    return `${verdictText(run.overall.probabilities, names, run.independent)}, ${percent(verdictOf(run.overall.probabilities).share)}`;
  }

  madeLine() { return t("se_made", { model: this.run.model, seconds: this.run.seconds }); }

  // A bar was pressed: the words are coloured for that label, pressed again for all.
  paintFor(index) {
    const label = this.reader.label === index ? null : index;
    this.verdict.mark(label);
    this.reader.paintFor(label);
  }

  // A piece of the strip was pressed: its words are weighed, if they are not yet.
  sentence(index) {
    const [start, end] = this.run?.sentences?.[index] ?? [];
    if (start === undefined || this.busy) return;
    this.reader.light([[start, end]]);
    const known = this.reader.words.some((word) => word.without && word.start >= start && word.end <= end);
    if (!known) this.start("words", { run: this.run.id, span: [start, end] });
  }

  clearSections() {
    for (const part of [this.tries, this.aspects, this.others]) part.clear();
    this.why.hidden = true;
    this.model.ask(null);
  }

  // The verdict goes from the page; its entry stays.
  forget() {
    this.run = null;
    this.sequence += 1;
    memory.set("sentiment_run", null);
    this.source.write();
    this.verdict.clear();
    this.clearSections();
    this.notice.replaceChildren();
    this.settle();
  }

  // From the search in the list of chats, or a row of a table.
  take(task) {
    if (this.busy) { this.stop(); this.wait(null); }
    this.sequence += 1;
    if (task.entry) this.open(task.entry);
    else if (task.text) { this.forget(); this.source.put(task.text); this.start(); }
  }
}
