// The summarize tab: a text, a file or an address on the left, its summary on the right, each sentence tied to its
// places in the text. The server keeps the summary; this page holds its name and what is being looked at.

import { announce, beginning, bus, h, memory, page, t } from "../dom.js";
import { Earlier } from "../earlier.js";
import { Elsewhere } from "../source/elsewhere.js";
import { TaskTab } from "../task_tab.js";
import { openCard } from "./card.js";
import { endLine, progressLine } from "./lines.js";
import { Options } from "./options.js";
import { Parts } from "./parts.js";
import { Result } from "./result.js";
import { Source } from "./source.js";

const EXAMPLES = { minutes: "bullets", story: "abstract", notice: "simple" }; // each with the form that its title asks for
const NOTES_AT_ONCE = 200;

export function mount(element, given) {
  new SummarizeTab({ element, ...given });
}

class SummarizeTab extends TaskTab {
  constructor(given) {
    super("summarize", given);
    this.build();
    this.options.offer(given.props.value ?? {});
    bus.on("model-ready", () => { if (!this.busy) this.look(this.source.text); });
    this.enter(given);
  }

  build() {
    const { server } = this;
    this.options = new Options({ onchange: (what) => this.changed(what) });
    this.source = new Source({
      onlook: (text) => this.look(text), onpress: () => this.press(), onfile: (file) => { if (!this.busy) this.elsewhere.openFile(file); }, onaddress: (anchor) => this.elsewhere.ask(anchor),
      onclear: () => this.forget(), onedit: () => this.forget(), onpoint: (offset, pressed) => this.pointAtText(offset, pressed),
    });
    this.elsewhere = new Elsewhere({ server, go: t("sm_summarize"), ontext: (answer) => this.adoptText(answer), onsay: (sentence) => this.say(sentence), onrefuse: (sentence) => this.refuse(sentence) });
    this.parts = new Parts({ onpart: (spans) => this.light(spans, true) });
    this.result = new Result({ onpoint: (spans, bring) => this.light(spans, bring), onopen: (index, node) => this.card(index, node) });
    this.result.body.append(this.parts.element);
    this.earlier = new Earlier({
      words: "sm_earlier", server,
      describe: (entry) => ({ label: entry.name || beginning(entry.text, 100), before: entry.form ? t(`sm_form_${entry.form}`) : "", after: entry.model }),
      onentry: (id) => this.open(id), onforgotten: (id) => { if (id === this.run?.id) this.forget(); },
    });
    this.notice = h("div", { class: "sm-notice", "aria-live": "polite" });
    this.empty = h("div", { class: "sm-empty" }, h("h1", {}, t("sm_title")), h("p", {}, t(page.shared ? "sm_about_shared" : "sm_about")));
    this.examples = h("div", { class: "sm-examples" }, Object.keys(EXAMPLES).map((name) => h("button", { type: "button", class: "example", onclick: () => this.example(name) },
      h("strong", {}, t(`sm_example_${name}`)), h("span", { dir: "auto" }, t(`sm_example_${name}_text`)))));
    const work = h("section", { class: "sm-work" }, this.options.element, h("div", { class: "sm-panes" }, this.source.element, this.result.element), this.notice);
    this.column = h("div", { class: "sm-column" }, this.empty, work, h("div", { class: "sm-under" }, this.earlier.element), this.examples);
    this.element.replaceChildren(h("div", { class: "sm" }, h("div", { class: "sm-scroll", tabindex: "-1" }, this.column)));
  }

  get asked() {
    const { form, length, focus, into } = this.options.value;
    return { text: this.source.text, form, length, focus, into };
  }

  // A text is being written: what a summary of it would take.
  async look(text) {
    const ticket = (this.looked = (this.looked ?? 0) + 1);
    if (!text.trim()) { this.notice.replaceChildren(); this.source.tell(); return; }
    if (this.source.asAddress) { this.source.tell(t("src_is_address")); return; }
    this.source.tell();
    const plan = await this.server.plan_summary(this.asked);
    if (ticket === this.looked) this.source.expect(plan.opening ? null : plan);
    this.plan = plan.parts ? plan : null;
  }

  // Another form of a short text is made at once; a long one waits for the button.
  changed(what) {
    const quick = this.plan?.parts.length === 1;
    if (what === "form" && this.run && !this.busy && quick) { this.start(); return; }
    if (this.run && !this.busy) this.say(t("sm_press_again"));
    this.look(this.source.text);
  }

  example(name) {
    if (this.busy) return;
    this.options.set({ form: EXAMPLES[name] });
    this.source.put(t(`sm_example_${name}_text`));
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
    Object.assign(this, { after: 0, news: 0, run: null, form: this.options.value.form });
    this.notice.replaceChildren();
    this.result.begin();
    this.parts.clear();
    this.source.read([]);
    this.wait({ phase: "starting" });
    this.ask({ name: this.source.name, ...this.asked });
  }

  askToStop(request) { return this.server.stop_summary(request); }

  askForNews(request) { return this.server.summary_news({ ...request, after: this.after }); }

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
    if (view.news > this.news) this.pull(view.news);
    this.result.draft(view.draft, this.form);
  }

  // Fetches the plan, the central sentences and the notes that are there; one question at a time.
  async pull(news) {
    if (this.pulling) return;
    this.pulling = true;
    const asked = this.sequence;
    let answer;
    do {
      answer = await this.server.summary_news({ tab: this.tab, sequence: asked, after: this.after });
      if (asked !== this.sequence || !this.busy || answer.error || answer.gone) break;
      this.news = news;
      if (answer.extract && this.result.extract.hidden) { this.source.read(answer.extract); this.result.central(answer.extract, this.source.text); }
      if (answer.plan && !this.parts.parts?.length) { this.shownPlan = answer.plan; this.parts.begin(answer.plan.parts, this.source.text); }
      for (const note of answer.notes) this.parts.note(note);
      this.after = answer.next;
    } while (answer.notes.length === NOTES_AT_ONCE);
    if (this.parts.parts?.length && this.busy && asked === this.sequence) this.source.covered(this.parts.parts, this.parts.read);
    this.pulling = false;
  }

  end(view) {
    this.wait(null);
    if (view.run) { this.open(view.run, { own: true }); return; }
    this.result.clear();
    this.parts.clear();
    this.source.write();
    if (view.refused) this.refuse(view.refused);
    else this.result.line.textContent = t("sm_stopped_empty");
  }

  // A whole summary: the one that has just been made, or one from before.
  async open(id, { quiet = false, own = false, draft = null } = {}) {
    const asked = this.sequence;
    const run = await this.server.open_summary({ run: id, whole: !own });
    if (asked !== this.sequence) return;
    if (run.error) {
      if (quiet) { memory.set("summarize_run", null); if (draft) this.source.put(draft); } else this.refuse(run.error);
      return;
    }
    if (!own) this.adopt(run);
    memory.set("summarize_run", run.stored ? id : null);
    this.run = run;
    this.show(run);
    this.settle();
    if (own) announce(`${this.result.line.textContent}. ${this.result.whole().slice(0, 1000)} ${this.result.notes.innerText}`);
  }

  show(run) {
    const { text } = this.source;
    const sentences = run.lines.flatMap((line) => line.sentences);
    const quotes = run.lines.map((line) => line.quote).filter(Boolean);
    this.source.read([...sentences.flatMap((one) => one.evidence), ...quotes, ...run.extract, ...run.unread, ...(run.plan.parts.length > 1 ? run.plan.parts : [])]);
    this.source.mark("unread", run.share < 1 ? run.unread : []);
    this.source.mark("used", [...sentences.flatMap((one) => one.evidence), ...quotes]);
    this.source.covered(run.plan.parts, run.read, run.share);
    this.parts.begin(run.plan.parts, text);
    if (run.plan.parts.length > 1 && run.tree.length) this.parts.finish(run.tree);
    this.result.finish(run, text);
    this.result.line.textContent = endLine(run);
  }

  // The page takes over what a summary from before was made of.
  adopt(run) {
    this.notice.replaceChildren();
    this.result.clear();
    this.options.set(run.settings);
    this.source.put(run.source, run.name ? { name: run.name } : null);
  }

  light(spans, bring = false) {
    if (!this.source.pieces.length) return;
    this.source.light(spans, { bring });
  }

  // A place in the text is pointed at: the sentences of the summary that come from it light up.
  pointAtText(offset, pressed) {
    if (!this.run) return;
    const found = this.result.sentences.flatMap((one, index) => (one.evidence.some(([start, end]) => start <= offset && offset < end) ? [index] : []));
    this.result.light(found);
    this.light(found.length ? this.result.sentences[found[0]].evidence : []);
    if (found.length) this.result.spans[found[0]].scrollIntoView({ block: "nearest" });
    if (pressed && found.length) this.result.roam(found[0]);
  }

  card(index, anchor) {
    const sentence = this.result.sentences[index];
    openCard({ anchor, sentence, source: this.source, compared: this.result.compared, onshow: () => { this.source.show(); this.light(sentence.evidence, true); this.source.reader.focus({ preventScroll: true }); } });
  }

  // A text that was read from a file or a page.
  adoptText(answer) {
    this.forget();
    this.source.put(answer.text, answer);
    this.source.go.focus();
  }

  // The summary goes from the page; its entry stays.
  forget() {
    this.run = null;
    this.sequence += 1;
    memory.set("summarize_run", null);
    this.source.write();
    this.result.clear();
    this.parts.clear();
    this.notice.replaceChildren();
    this.settle();
  }
}
