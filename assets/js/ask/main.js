// The tab "Ask a text": a text, a file or an address on the left, questions about it and their answers on the right.
// The server keeps the answers; this page holds the name of their entry and what is being looked at.

import { announce, beginning, h, memory, page, t, toast } from "../dom.js";
import { Earlier } from "../earlier.js";
import { Elsewhere } from "../source/elsewhere.js";
import { SourcePane } from "../source/pane.js";
import { TaskTab } from "../task_tab.js";
import { Answers, sureness } from "./answers.js";
import { QuestionBox } from "./question.js";

const EXAMPLES = ["notice", "story", "report"]; // each with a text and three questions, one a line

export function mount(element, given) {
  new AskTab({ element, ...given });
}

class AskTab extends TaskTab {
  constructor(given) {
    super("ask", given);
    this.run = "";
    this.build();
    this.enter(given);
  }

  build() {
    const { server } = this;
    this.source = new SourcePane({
      id: "as-text", draft: "ask_draft", words: { source: t("as_source"), placeholder: t("as_text_placeholder") },
      onlook: (text) => this.look(text), onpress: () => this.question.box.focus(), onfile: (file) => { if (!this.busy) this.elsewhere.openFile(file); },
      onaddress: (anchor) => this.elsewhere.ask(anchor), onclear: () => this.forget(), onedit: () => this.leave(), onpoint: (offset, pressed) => this.pointAtText(offset, pressed),
    });
    this.elsewhere = new Elsewhere({ server, ontext: (answer) => this.adoptText(answer), onsay: (sentence) => this.say(sentence), onrefuse: (sentence) => this.refuse(sentence) });
    this.question = new QuestionBox({ onpress: () => this.press() });
    this.answers = new Answers({
      onshow: (answer, place, evidence) => this.show(answer, place, evidence), onagain: (question) => this.again(question), onall: (question) => this.start(question, true), onhide: (answer) => this.hide(answer),
      pageAt: (offset) => this.source.pageAt(offset), words: { say: ([start, end]) => this.source.text.slice(start, end), around: (place) => around(this.source.text, place) },
    });
    this.earlier = new Earlier({
      words: "as_earlier", server,
      describe: (entry) => ({ label: entry.question || entry.name || beginning(entry.text, 100), before: entry.name || beginning(entry.text, 40), after: entry.model }),
      onentry: (id) => this.open(id), onforgotten: (id) => { if (id === this.run) this.forget(); },
    });
    this.notice = h("div", { class: "as-notice", "aria-live": "polite" });
    this.more = h("div", { class: "as-more", hidden: true });
    this.blank = h("p", { class: "as-blank" }, t("as_blank"));
    this.empty = h("div", { class: "as-empty" }, h("h1", {}, t("as_title")), h("p", {}, t(page.shared ? "as_about_shared" : "as_about")));
    this.examples = h("div", { class: "as-examples" }, EXAMPLES.map((name) => h("button", { type: "button", class: "example", onclick: () => this.example(name) },
      h("strong", {}, t(`as_example_${name}`)), h("span", { dir: "auto" }, t(`as_example_${name}_text`)))));
    const right = h("section", { class: "as-pane", "aria-label": t("as_answers") }, this.question.element, this.more, this.notice, h("div", { class: "as-scroller" }, this.blank, this.answers.element));
    const work = h("section", { class: "as-work" }, h("div", { class: "as-panes" }, this.source.element, right));
    this.column = h("div", { class: "as-column" }, this.empty, work, h("div", { class: "as-under" }, this.earlier.element), this.examples);
    this.element.replaceChildren(h("div", { class: "as" }, h("div", { class: "as-scroll", tabindex: "-1" }, this.column)));
  }

  look(text) {
    this.source.tell(this.source.asAddress ? t("src_is_address") : "");
    if (!text.trim()) this.notice.replaceChildren();
    this.settle();
  }

  example(name) {
    if (this.busy) return;
    this.forget();
    this.source.put(t(`as_example_${name}_text`));
    const [first, ...others] = t(`as_example_${name}_questions`).split("\n");
    this.suggest(others);
    this.start(first);
  }

  // Further questions to press.
  suggest(questions) {
    this.more.hidden = !questions.length;
    this.more.replaceChildren(h("span", {}, t("as_try")), ...questions.map((question) => h("button", { type: "button", class: "as-chip", onclick: (event) => {
      if (this.busy) return;
      event.currentTarget.remove();
      this.more.hidden = this.more.childElementCount < 2;
      this.start(question);
    } }, question)));
  }

  press() {
    if (this.busy) { this.stop(); return; }
    if (this.source.empty) { this.say(t("as_no_text")); this.source.box.focus(); return; }
    if (this.question.empty) { this.say(t("as_no_question")); this.question.box.focus(); return; }
    const question = this.question.text;
    if (this.source.asAddress) { this.elsewhere.openAddress(this.source.asAddress).then((done) => { if (done) this.start(question); }); return; }
    this.start(question);
  }

  start(question, readAll = false) {
    if (this.busy || this.source.empty) return;
    this.sequence += 1;
    this.asked = question;
    this.notice.replaceChildren();
    this.wait({ phase: "starting" });
    this.ask({ text: this.source.text, name: this.source.name, question, read_all: readAll, run: this.run });
  }

  askToStop(request) { return this.server.stop_asking(request); }

  askForNews(request) { return this.server.still_asking(request); }

  neverBegan() {
    this.sequence += 1;
    this.wait(null);
  }

  wait(view) {
    this.note(view);
    this.source.wait(this.busy, false);
    this.question.wait(view);
    this.settle();
  }

  // With something on the page the title steps back.
  settle() {
    const begun = this.busy || this.answers.list.length > 0;
    this.empty.hidden = begun;
    this.examples.hidden = begun;
    this.blank.hidden = begun;
    this.column.classList.toggle("begun", begun);
  }

  end(view) {
    this.wait(null);
    if (view.run) { if (this.question.text === this.asked) this.question.put(""); this.open(view.run, { own: true }); return; }
    if (view.refused) this.refuse(view.refused);
    else this.say(t("as_stopped_empty"));
  }

  // The answers to a text: after a new one, or of an entry from before.
  async open(id, { quiet = false, own = false, draft = null } = {}) {
    const asked = this.sequence;
    const run = await this.server.open_asked({ run: id, whole: !own });
    if (asked !== this.sequence) return;
    if (run.error) {
      if (quiet) { memory.set("ask_run", null); if (draft) this.source.put(draft); } else this.refuse(run.error);
      return;
    }
    if (!own) { this.forget(); this.source.put(run.source, run.name ? { name: run.name } : null); }
    this.run = run.id;
    memory.set("ask_run", run.stored ? run.id : null);
    this.list(run.answers);
    const newest = run.answers.at(-1);
    if (own && newest) announce(newest.text ? t("as_spoken", { answer: newest.text, sure: t(`as_sure_${sureness(newest.sure)}`) }) : t("as_none"));
  }

  list(answers, look) {
    this.source.read(answers.flatMap((one) => [...(one.evidence ? [one.evidence] : []), ...one.places, ...one.places.slice(1).map((place) => around(this.source.text, place))]));
    this.source.mark("used", answers.flatMap((one) => (one.evidence ? [one.evidence] : [])));
    this.answers.show(answers, look);
    this.settle();
  }

  show(answer, place, evidence) {
    if (!this.source.reading) return;
    this.source.mark("said", place ? [place] : []);
    this.source.light(evidence ? [evidence] : [], { bring: true });
  }

  // A place in the text is pressed: the answer that stands there is looked at.
  pointAtText(offset, pressed) {
    if (!pressed) return;
    const found = this.answers.list.findLast((one) => one.evidence && one.evidence[0] <= offset && offset < one.evidence[1]);
    if (!found) return;
    this.answers.look(found);
    this.answers.cards.get(found.number).node.scrollIntoView({ block: "nearest" });
  }

  again(question) {
    this.question.put(question);
    this.question.box.focus();
  }

  async hide(answer, hidden = true) {
    const run = await this.server.hide_answer({ run: this.run, number: answer.number, hidden });
    if (run.error) { toast(run.error); return; }
    this.list(run.answers, hidden ? undefined : answer.number);
    if (!hidden) return;
    announce(t("as_hidden"));
    toast(t("as_hidden"), { action: t("undo"), onaction: () => this.hide(answer, false) });
  }

  // A text that was read from a file or a page.
  adoptText(answer) {
    this.forget();
    this.source.put(answer.text, answer);
    this.say(t("as_ask_now"));
    this.question.box.focus();
  }

  // The text is about to be changed: its answers leave the page. The name of their entry stays, for as long as the
  // text stays what it was.
  leave() {
    this.sequence += 1;
    this.source.write();
    this.answers.clear();
    this.notice.replaceChildren();
    this.suggest([]);
    this.settle();
  }

  forget() {
    this.run = "";
    memory.set("ask_run", null);
    this.leave();
  }
}

// The words around a place, up to the next marks of an end: for places that the server sent no sentence for.
function around(text, [start, end]) {
  const before = text.slice(0, start).search(/[^.!?。！？\n]*$/);
  const behind = text.slice(end).search(/[.!?。！？\n]/);
  const first = before + (text.slice(before).match(/^\s*/)?.[0].length ?? 0);
  return [Math.min(first, start), behind < 0 ? text.length : end + behind + 1];
}
