// The translate tab: a text or a file on the left, its translation on the right, sentence beside sentence. The server
// keeps the translation; this page holds its name and what is being looked at.

import { announce, beginning, h, memory, number, page, speaking, t } from "../dom.js";
import { Earlier } from "../earlier.js";
import { meetFrame, onHanded, pageName } from "../tabs.js";
import { openCard } from "./card.js";
import { Care } from "./care.js";
import { Comparison } from "./compare.js";
import { examples } from "./examples.js";
import { download, openFile, savePairs } from "./files.js";
import { Glossary } from "./glossary.js";
import { Languages, nameOf } from "./languages.js";
import { Translators } from "./model.js";
import { Notices, undoable } from "./notices.js";
import { Result, summaryOf } from "./result.js";
import { Source } from "./source.js";
import { underWay } from "./underway.js";

const NEWS_AT_ONCE = 400;

export function mount(element, { trigger, watch, props, server }) {
  new TranslateTab({ element, trigger, watch, props, server: speaking(server) });
}

class TranslateTab {
  constructor({ element, trigger, watch, props, server }) {
    Object.assign(this, { trigger, server, element });
    this.tab = pageName();
    this.sequence = 0;
    this.busy = false;
    this.run = null;
    this.build();
    this.languages.offer(props.value?.languages ?? []);
    this.models.update();
    watch("value", () => this.hear(props.value));
    this.meet();
    const last = memory.get("translate_run");
    const draft = memory.get("translate_draft");
    const handed = onHanded("translate", (task) => this.take(task));
    const begun = handed ? null : underWay.recall();
    if (begun) this.follow(begun, draft);
    else if (!handed && last) this.open(last, { quiet: true, draft });
    else if (!handed && draft) this.source.put(draft);
  }

  build() {
    const { server } = this;
    this.languages = new Languages({ onchange: () => this.pairChanged(), onswap: () => this.swap() });
    this.source = new Source({
      onedit: () => { this.notices.clear(); if (this.run) this.result.line.textContent = t("tr_stale"); }, onlook: (text) => this.look(text), onpress: () => this.press(), onpoint: (index, bring) => this.point(index, bring && "result"),
      onfile: (file) => openFile(this, file), onclear: () => this.clear(),
    });
    this.result = new Result({ onpoint: (index) => this.point(index), onopen: (index, span) => this.card(index, span), ondownload: () => download(this), onpairs: () => savePairs(this.run) });
    this.models = new Translators({ server, languages: this.languages, onchange: () => this.care.offer(!this.models.value.id) });
    this.care = new Care();
    const choose = (code) => { this.languages.from.value = code; this.pairChanged(); };
    this.notices = new Notices({ onlanguage: (code) => { choose(code); this.start(); }, onchosen: choose, onother: () => this.languages.from.focus() });
    this.glossary = new Glossary({});
    this.comparison = new Comparison({ server, run: () => this.run });
    this.earlier = new Earlier({
      words: "tr_earlier", server,
      describe: (entry) => ({ label: entry.document || beginning(entry.text, 200), before: `${nameOf(entry.source)} → ${nameOf(entry.target)}`, after: entry.model }),
      onentry: (id) => this.open(id), onforgotten: (id) => { if (id === this.run?.id) this.forget(); },
    });
    const head = h("header", { class: "tr-head" }, h("h1", {}, t("tr_title")), this.earlier.element, h("p", {}, t(page.shared ? "tr_about_shared" : "tr_about")));
    this.examples = examples((text, target) => this.example(text, target));
    const work = h("section", { class: "tr-work" }, this.languages.element, h("div", { class: "tr-panes" }, this.source.element, this.result.element), this.notices.element);
    this.column = h("div", { class: "tr-column" }, head, work, h("div", { class: "tr-under" }, this.models.element, this.care.element), this.examples,
      h("div", { class: "tr-folds" }, this.glossary.element, this.comparison.element));
    this.element.replaceChildren(h("div", { class: "tr" }, h("div", { class: "tr-scroll", tabindex: "-1" }, this.column)));
  }

  meet() {
    // A file that is dropped beside the left pane would take the place of the whole page.
    for (const event of ["dragover", "drop"]) this.element.addEventListener(event, (happening) => happening.preventDefault());
    meetFrame(this.column, { onstop: () => { if (this.busy) this.stop(); } });
  }

  // A text is being written: its language and length.
  async look(text) {
    const ticket = (this.looked = (this.looked ?? 0) + 1);
    if (!text.trim()) { this.languages.heard({ guess: "", doubtful: false }); this.source.tell(0); return; }
    const said = await this.server.look_at_text({ text });
    if (ticket !== this.looked || said.error || this.source.file) return;
    this.source.tell(said.tokens);
    if (this.languages.heard(said)) this.models.update();
    if (this.languages.contradicted && !this.run && !this.busy) this.notices.doubt(said.guess);
  }

  pairChanged() {
    this.notices.clear();
    this.models.update();
  }

  swap() {
    if (this.busy || !this.languages.turn()) return;
    const translated = this.run && !this.source.file ? this.result.whole() : "";
    if (translated) { undoable(this, t("tr_swapped")); this.forget(); this.source.put(translated); }
    this.pairChanged();
  }

  clear() {
    if (this.run || this.source.text.trim()) undoable(this, t("tr_cleared"));
    this.source.clear();
    this.languages.from.value = "";
    this.forget();
  }

  example(text, target) {
    if (this.busy) return;
    this.languages.set("", target);
    this.source.put(text).then(() => this.start());
  }

  press() {
    if (this.busy) { this.stop(); return; }
    if (this.source.empty) { this.source.box.focus(); return; }
    this.start();
  }

  start() {
    if (this.busy || this.source.empty) return;
    const { file } = this.source;
    if (file && !file.document) { this.notices.refuse(t("tr_file_gone")); return; }
    this.sequence += 1;
    this.after = 0;
    this.laidOut = false;
    this.run = null;
    this.notices.clear();
    this.result.clear();
    this.glossary.judge(null);
    this.comparison.offer(null);
    this.wait({ phase: "translating" });
    this.followed = false;
    underWay.note({ tab: this.tab, sequence: this.sequence });
    this.trigger("translate", {
      tab: this.tab, sequence: this.sequence, language: page.language, target: this.languages.target, source: this.languages.from.value,
      glossary: this.glossary.value, model: this.models.value.id, careful: this.care.value, ...(file ? { document: file.document } : { text: this.source.text }),
    });
  }

  // The page was reloaded while a translation was being made: it goes on watching.
  follow({ tab, sequence }, draft) {
    this.tab = tab;
    this.sequence = sequence + 1;
    this.after = 0;
    this.laidOut = false;
    this.followed = true;
    if (draft) this.source.put(draft);
    this.wait({ phase: "translating" });
    underWay.note({ tab, sequence: this.sequence });
    this.trigger("translate", { tab, sequence: this.sequence, language: page.language, follow: true });
  }

  stop() {
    this.wait({ ...this.latest, stopping: true });
    this.server.stop_translation({ tab: this.tab, sequence: this.sequence }).then(({ stopped }) => {
      if (!stopped && this.busy && !this.latest?.total) this.wait(null); // it had not begun
    });
  }

  wait(view) {
    this.latest = view;
    this.busy = view !== null;
    this.source.wait(this.busy, Boolean(view?.stopping));
    this.languages.wait(this.busy);
    this.result.wait(view);
    this.column.classList.toggle("busy", this.busy);
    this.settle();
  }

  // With something on the page the examples go.
  settle() { this.examples.hidden = this.busy || this.run !== null; }

  hear(view) {
    if (!view || view.tab !== this.tab || view.sequence !== this.sequence || !this.busy) return;
    if (view.phase === "ended") { this.end(view); return; }
    this.wait({ ...view, stopping: view.stopping || this.latest?.stopping });
    if (view.total && (!this.laidOut || view.done > this.after)) this.pull();
    if (view.growing && this.laidOut) this.result.grow(...view.growing);
  }

  // Fetches the sentences that are done; one question at a time.
  async pull() {
    if (this.pulling) return;
    this.pulling = true;
    const asked = this.sequence;
    let answer;
    do {
      answer = await this.server.job_news({ tab: this.tab, sequence: asked, after: this.after, layout: !this.laidOut });
      if (asked !== this.sequence || answer.error || answer.gone) break;
      if (answer.layout) this.layOut(answer.layout);
      for (const [index, view] of answer.news) this.result.set(index, view);
      this.after = answer.next;
    } while (answer.news.length === NEWS_AT_ONCE);
    this.pulling = false;
  }

  layOut(layout) {
    this.laidOut = true;
    if (this.followed) this.languages.set(layout.detected ? "" : layout.source, layout.target);
    this.source.pair(layout);
    this.result.begin(layout, this.languages.direction(layout.target));
  }

  end(view) {
    this.wait(null);
    underWay.note(null);
    if (view.gone) { const last = memory.get("translate_run"); if (last) this.open(last, { quiet: true }); return; }
    if (view.ask) { this.notices.ask(view.ask); this.result.clear(); this.settle(); return; }
    if (view.refused) { this.notices.refuse(view.refused); this.result.clear(); return; }
    if (view.run) this.open(view.run, { own: !this.followed });
    else { this.result.clear(); this.result.line.textContent = t("tr_stopped_empty"); }
  }

  // A whole translation: the one that has just been made, or one from before.
  async open(id, { quiet = false, own = false, draft = null } = {}) {
    const asked = this.sequence;
    const run = await this.server.open_translation({ run: id });
    if (asked !== this.sequence) return;
    if (run.error) {
      if (quiet) { memory.set("translate_run", null); if (draft) this.source.put(draft); } else this.notices.refuse(run.error);
      return;
    }
    memory.set("translate_run", id);
    if (!own) this.adopt(run);
    this.run = run;
    if (!own || !this.laidOut) this.layOut(run);
    this.result.finish(run.sentences);
    this.result.download.hidden = !run.document_key || !run.changed;
    this.result.line.textContent = summaryOf(run);
    this.glossary.judge(run);
    this.comparison.offer(run);
    if (run.error_sentence) this.notices.refuse(run.error_sentence);
    else if (run.document && !run.changed) this.notices.refuse(t("tr_nothing_changed", { count: number.format(run.sentences.length) }));
    this.settle();
    if (own) announce(`${this.result.line.textContent}. ${this.result.whole().slice(0, 600)}`);
  }

  // The page takes over what a translation from before was made of.
  adopt(run) {
    this.notices.clear();
    this.languages.set(run.detected ? "" : run.source, run.target);
    this.languages.heard({ guess: run.source, doubtful: false });
    if (run.document) {
      const characters = run.sources.reduce((sum, one) => sum + one.length, 0);
      this.source.show({ name: run.document, sentences: run.sources.length, characters, text: run.sources.join("\n"), document: run.document_key });
    } else this.source.put(run.text);
    this.models.update();
  }

  point(index, bring) {
    this.source.light(index);
    this.result.light(index);
    if (bring === "result" && index >= 0 && !matchMedia("(max-width: 900px)").matches) this.result.bring(index);
  }

  card(index, anchor) {
    if (!this.run) return;
    this.point(index);
    openCard({
      anchor, index, run: this.run, view: this.run.sentences[index], source: this.run.sources[index], server: this.server, tab: this.tab, direction: this.languages.direction(this.run.target),
      onreplaced: (at, { sentence }) => {
        this.run.sentences[at] = sentence;
        this.run.done = this.run.sentences.filter(Boolean).length;
        this.result.set(at, sentence);
        this.result.line.textContent = summaryOf(this.run);
        this.glossary.judge(this.run);
        this.comparison.offer(this.run);
      },
    });
  }

  // The translation goes from the page; its entry stays.
  forget() {
    this.run = null;
    this.sequence += 1;
    memory.set("translate_run", null);
    this.source.unpair();
    this.result.clear();
    this.notices.clear();
    this.glossary.judge(null);
    this.comparison.offer(null);
    this.settle();
  }

  // What the search in the list of chats found.
  take(task) {
    if (this.busy) this.stop();
    this.sequence += 1;
    if (task.entry) this.open(task.entry);
  }
}
