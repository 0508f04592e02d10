// What the tabs of tasks have in common: a page has one piece of work done at a time, hears of it until its end, and asks
// after it when nothing was heard for long. A tab builds `column`,
// `source` and `notice`, gives `askToStop` and `askForNews`, and says how it waits, ends, opens and forgets.

import { h, memory, page, speaking, t } from "./dom.js";
import { meetFrame, onHanded, pageName } from "./tabs.js";

const SILENCE_MS = 20_000;

export class TaskTab {
  // `name` is the tab's, its event's, and begins what the browser remembers: "<name>_run" and "<name>_draft".
  constructor(name, { element, trigger, server }) {
    Object.assign(this, { name, element, trigger, server: speaking(server), tab: pageName(), sequence: 0, busy: false, run: null });
  }

  // The tab is built: it hears the server and the frame, and goes on with what it is handed or had last.
  enter({ watch, props }) {
    watch("value", () => this.hear(props.value));
    meetFrame(this.column, { onstop: () => this.escape() });
    this.recall(onHanded(this.name, (task) => this.take(task)));
  }

  recall(handed) {
    const [last, draft] = [memory.get(`${this.name}_run`), memory.get(`${this.name}_draft`)];
    if (!handed && last) this.open(last, { quiet: true, draft });
    else if (!handed && draft) this.source.put(draft);
  }

  escape() { if (this.busy) this.stop(); }

  // Asks for work; what comes of it is heard under this number.
  ask(values) {
    this.trigger(this.name, { tab: this.tab, sequence: this.sequence, language: page.language, ...values });
  }

  stop() {
    const asked = this.sequence;
    this.wait({ ...this.latest, stopping: true });
    this.askToStop({ tab: this.tab, sequence: asked }).then(({ stopped, error }) => {
      if (asked !== this.sequence) return; // other work has begun meanwhile
      if (error && this.busy) this.end({ refused: error });
      else if (!stopped && this.busy && this.latest?.phase === "starting") this.neverBegan();
    });
  }

  neverBegan() {
    this.wait(null);
    this.forget();
  }

  // `view` says how far the work is; null: there is none.
  note(view) {
    this.latest = view;
    this.busy = view !== null;
    this.column.classList.toggle("busy", this.busy);
    clearTimeout(this.silence);
    if (this.busy) this.silence = setTimeout(() => this.inquire(), SILENCE_MS);
  }

  // A server that was restarted says nothing more: after a while of silence it is asked, twice, since an end may be on its way.
  async inquire(again = false) {
    const asked = this.sequence;
    const answer = await this.askForNews({ tab: this.tab, sequence: asked });
    if (asked !== this.sequence || !this.busy) return;
    if (answer.gone && !again) this.silence = setTimeout(() => this.inquire(true), SILENCE_MS / 5);
    else if (answer.error || answer.gone) this.end({ refused: answer.error ?? t("lost_call") });
    else this.silence = setTimeout(() => this.inquire(), SILENCE_MS);
  }

  hear(view) {
    if (!view || view.tab !== this.tab || view.sequence !== this.sequence || !this.busy) return;
    if (view.phase === "ended") { this.end(view); return; }
    this.wait({ ...view, stopping: view.stopping || this.latest?.stopping });
    this.follow(view);
  }

  follow() {}

  say(sentence) { this.notice.replaceChildren(h("p", { class: "hint" }, sentence)); }

  refuse(sentence) { this.notice.replaceChildren(h("p", { class: "problem", role: "alert" }, sentence)); }

  // What the search in the list of chats found.
  take(task) {
    if (this.busy) this.stop();
    this.sequence += 1;
    if (this.busy) this.wait(null);
    if (task.entry) this.open(task.entry);
  }
}
