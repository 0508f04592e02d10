// Many texts at once: a table, its columns, the texts judged, counted, compared with labels that are known. The server
// holds the table and what was found; this page holds its name, and asks how far it is.

import { announce, h, memory, t, toast } from "../dom.js";
import { pageName } from "../tabs.js";
import { TableChoice } from "./many_choose.js";
import { Columns } from "./many_columns.js";
import { lineOf, Results } from "./many_results.js";

const ASK_MS = 400;
const PATIENCE = 15; // times that the server may not be reached before the page gives up waiting

export class ManyTexts {
  // `labels()` gives what the server's labels_of reads (a plain value), `model()` {model, names}: a classifier in place of
  // the chat's model; `onopen(text)` opens one text in the first level.
  constructor({ server, labels, onopen, model = () => ({}) }) {
    Object.assign(this, { server, labels, onopen, model, tab: pageName(), table: null, busy: false, stopping: false });
    this.choice = new TableChoice({ ontable: (given) => this.take(given), onrefuse: (sentence) => this.refuse(sentence) });
    this.columns = new Columns({ onjudge: () => this.press(), onheader: (has) => this.reread(has), onother: () => this.leave(), onset: () => this.set() });
    this.results = new Results({ server, onrefuse: (sentence) => this.refuse(sentence), onopen: (row) => this.open(row) });
    this.notice = h("div", { class: "many-notice", "aria-live": "polite" });
    this.element = h("div", { class: "many" }, this.notice, this.choice.element, this.columns.element, this.results.element);
    this.choice.catchDrops(this.element);
    this.return(memory.get("sentiment_table"));
  }

  // The visitor chose other labels.
  relabel() {
    this.columns.sidesLine.hidden = this.labels()?.set !== "sentiment";
    if (!this.table || this.busy) return;
    this.columns.wait("ready");
    if (this.judged) this.say(t("many_relabelled"));
  }

  // Sentiment without neutral, for texts that all take a side.
  get chosen() {
    const labels = this.labels();
    return labels?.set === "sentiment" && this.columns.sides.checked ? { ...labels, set: "two_sides" } : labels;
  }

  // Esc: true when there was something to stop.
  stop() {
    if (!this.busy) return false;
    if (this.stopping) return true;
    this.stopping = true;
    this.columns.wait("stopping");
    this.results.line.textContent = t("many_stopping");
    this.server.stop_table({ table: this.table }).then((answer) => { if (answer.error) this.refuse(answer.error); });
    return true;
  }

  async take(given) {
    if (this.busy) return;
    this.say(t("many_reading_file"));
    const view = await this.server.read_table({ ...given, tab: this.tab, labels: this.labels() });
    this.adopt(view);
    if (!view.error) announce(t("many_read", { name: view.name, rows: view.rows }));
  }

  async reread(header) {
    this.adopt(await this.server.read_table_again({ table: this.table, header, labels: this.labels() }));
  }

  adopt(view, { quiet = false } = {}) {
    if (view.error) { this.refuse(view.error); return; }
    this.notice.replaceChildren();
    this.table = view.table;
    this.judged = false;
    memory.set("sentiment_table", view.table);
    this.choice.element.hidden = true;
    this.columns.show(view);
    this.columns.sidesLine.hidden = this.labels()?.set !== "sentiment";
    this.columns.wait("ready");
    this.results.clear();
    if (!quiet) this.columns.go.focus({ preventScroll: true });
  }

  // Back to the choice of a table.
  leave() {
    const left = this.table;
    this.table = null;
    memory.set("sentiment_table", null);
    this.columns.element.hidden = true;
    this.results.clear();
    this.notice.replaceChildren();
    this.choice.element.hidden = false;
    this.choice.zone.querySelector("button").focus();
    toast(t("many_left_table", { name: this.columns.title.textContent }), { action: t("undo"), onaction: () => { if (!this.busy) this.return(left); } });
  }

  // A table from before the page was loaded, or one that was left: as it was, while the server still has it.
  async return(table) {
    if (!table) return;
    const view = await this.server.open_table({ table });
    if (view.error) { if (memory.get("sentiment_table") === table) memory.set("sentiment_table", null); return; }
    if (this.table || this.busy) return;
    this.adopt(view, { quiet: true });
    const { progress } = view;
    if (progress.running) { this.busy = true; this.columns.wait("running"); this.follow(progress); }
    else if (progress.done) this.finish(progress, { quiet: true });
  }

  press() {
    if (this.busy) this.stop();
    else this.judge();
  }

  async judge() {
    this.notice.replaceChildren();
    this.busy = true;
    this.stopping = false;
    this.columns.wait("running");
    const view = await this.server.judge_table({ table: this.table, labels: this.chosen, ...this.model(), ...this.columns.value });
    if (view.error) { this.rest("ready"); this.refuse(view.error); return; }
    this.follow(view);
  }

  async follow(view) {
    let missed = 0;
    let latest = view;
    while (latest.running) {
      this.results.progress({ ...latest, stopping: latest.stopping || this.stopping });
      await new Promise((resolve) => { setTimeout(resolve, ASK_MS); });
      const answer = await this.server.table_progress({ table: this.table });
      missed = answer.error ? missed + 1 : 0;
      if (missed > PATIENCE) { this.rest("ready"); this.results.clear(); this.refuse(answer.error); return; }
      if (!answer.error) latest = answer;
    }
    await this.finish(latest);
  }

  async finish(view, { quiet = false } = {}) {
    const left = view.total - view.done;
    const focused = document.activeElement === this.columns.go;
    this.rest(left ? "stopped" : "done", left);
    if (view.phase === "failed") this.refuse(view.error);
    if (!view.done) { this.results.clear(); if (view.phase !== "failed") this.say(t("many_stopped_empty")); return; }
    this.judged = true;
    const figures = await this.server.table_figures({ table: this.table });
    if (figures.error) { this.refuse(figures.error); return; }
    this.results.show(this.table, figures);
    if (focused && this.columns.go.hidden) this.results.summary.focus({ preventScroll: true }); // the button is gone
    if (!quiet) announce(`${t(left ? "many_stopped" : "many_done")} ${lineOf({ ...view, stopping: false, phase: "reading", remaining: null })}`);
  }

  rest(state, left = 0) {
    this.busy = false;
    this.stopping = false;
    this.columns.wait(state, left);
  }

  // Another column to compare with or to group by.
  async set() {
    if (!this.judged || this.busy) return;
    const { gold, group } = this.columns.value;
    const figures = await this.server.set_table_columns({ table: this.table, gold, group });
    if (figures.error) this.refuse(figures.error);
    else { this.notice.replaceChildren(); this.results.show(this.table, figures); }
  }

  async open(row) {
    const answer = await this.server.table_text({ table: this.table, row });
    if (answer.error) this.refuse(answer.error);
    else this.onopen(answer.text);
  }

  say(sentence) { this.notice.replaceChildren(h("p", { class: "hint" }, sentence)); }

  refuse(sentence) { this.notice.replaceChildren(h("p", { class: "problem", role: "alert" }, sentence)); }
}
