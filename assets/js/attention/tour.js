// The guided tour: five short steps on prepared sentences. Which head is shown, and every number of a caption, is found
// in the run of the model that is open; where it does not do what the step is about, the caption says so.

import { announce, button, composing, h, t } from "../dom.js";
import { percent, visible } from "./ramp.js";
import { sentenceWith } from "./reading.js";

// Each step: its text, and what is looked at in it. The places of words are searched in the text itself.
const STEPS = [
  { name: "pronoun", text: "pronoun", show: pair },
  { name: "rest", text: "pronoun", show: rest },
  { name: "repetition", text: "repetition", show: pair },
  { name: "translation", text: "translation", show: pair },
  { name: "next", text: "repetition", show: next, part: ".look-next" },
];

export class Tour {
  // `ask(text)` has a text read, what comes of it goes to `hear`; `stop()` ends that. `present(run)` puts a run on the
  // page and gives its views. `onbegin` and `onend` are called before the first step and behind the last.
  constructor({ server, ask, stop, present, onbegin, onend }) {
    Object.assign(this, { server, ask, stop, present, onbegin, onend });
    this.active = false;
    this.runs = new Map();
    this.heading = h("h2", { id: "tour-heading" });
    this.said = h("p", { id: "tour-said" });
    this.count = h("span", { class: "tour-count" });
    this.back = h("button", { type: "button", class: "b tour-back", onclick: () => this.go(this.step - 1) }, t("tour_back"));
    this.next = h("button", { type: "button", class: "b primary tour-next", "aria-describedby": "tour-heading tour-said",
      onclick: () => (this.step === STEPS.length - 1 ? this.end() : this.go(this.step + 1)) }, t("tour_next"));
    this.element = h("section", { class: "look-card look-tour", role: "region", "aria-label": t("tour_label"), hidden: true },
      h("div", { class: "tour-top" }, this.count, button(t("tour_end"), { iconName: "close", onclick: () => this.end() })),
      this.heading, this.said, h("div", { class: "row tour-steps" }, this.back, this.next));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !composing(event)) { event.stopPropagation(); this.end(); }
    });
  }

  start(opener) {
    if (this.active) return;
    this.opener = opener;
    this.active = true;
    this.shown = null;
    this.runs.clear(); // another model may be open by now
    this.element.hidden = false;
    this.onbegin();
    this.go(0);
    this.next.focus({ preventScroll: true });
  }

  end({ quiet = false } = {}) {
    if (!this.active) return;
    this.active = false;
    this.step = null;
    if (this.pending) this.stop();
    this.pending = null;
    this.element.hidden = true;
    this.onend();
    if (quiet) return;
    this.opener?.focus();
    announce(t("tour_ended"));
  }

  async go(step) {
    this.step = step;
    const about = STEPS[step];
    this.count.textContent = t("tour_step", { step: step + 1, steps: STEPS.length });
    this.heading.textContent = t(about.name === "next" ? "tour_next_title" : `tour_${about.name}`);
    this.next.textContent = t(step === STEPS.length - 1 ? "tour_finish" : "tour_next");
    if (step === 0 && document.activeElement === this.back) this.next.focus();
    this.back.disabled = step === 0;
    this.say(about, this.wait = h("span", { class: "tour-wait" }, t("tour_wait")));
    const sentence = await this.showing(about, () => this.step === step);
    if (this.step !== step || !sentence) return;
    this.say(about, ...sentence);
    announce(`${this.count.textContent}. ${this.heading.textContent}. ${this.said.textContent}`);
  }

  say({ name, text }, ...sentence) {
    this.said.replaceChildren(...sentenceWith(t(`tour_${name}_about`), t(`look_example_${text}_focus`)), " ", ...sentence);
  }

  refused(sentence) { this.said.append(" ", h("span", { class: "problem", role: "alert" }, sentence)); }

  // Puts the step's text and view on the page; gives the sentence with its numbers, or why there is none.
  async showing(about, wanted) {
    const run = await this.runOf(t(`look_example_${about.text}_text`));
    if (!wanted()) return null;
    if (run.error) return [h("span", { class: "problem" }, run.error)];
    if (this.shown?.run.id !== run.id) this.shown = this.present(run);
    const sentence = await about.show(this.shown, this.server, about);
    if (wanted()) this.point(about.part ?? ".look-stage-card");
    return sentence.error ? [h("span", { class: "problem" }, sentence.error)] : sentence;
  }

  // Frames the card that a step is about.
  point(part) {
    for (const card of this.shown.element.querySelectorAll(".look-card")) card.classList.toggle("toured", card.matches(part));
    const card = this.shown.element.querySelector(part);
    card.style.scrollMarginTop = `${this.element.offsetHeight + 16}px`; // the tour's own card stays above it
    card.scrollIntoView({ block: "nearest" });
  }

  // A text is read once for all steps about it; what could not be read is tried again.
  async runOf(text) {
    const known = this.runs.get(text);
    if (known) return known;
    if (this.pending?.text !== text) {
      const pending = (this.pending = { text });
      pending.run = new Promise((resolve) => { pending.heard = resolve; });
      this.ask(text);
    }
    return this.pending.run;
  }

  // How far the model has read, then the run.
  async hear(view) {
    const { pending } = this;
    if (!pending) return;
    if (view.phase === "opening") this.wait.textContent = t("look_opening", { detail: view.detail ?? "" });
    if (view.phase !== "ended") return;
    this.pending = null;
    const run = view.refused ? { error: view.refused } : await this.server.open_run({ run: view.run });
    if (!run.error) this.runs.set(pending.text, run);
    pending.heard(run);
  }
}

// Tokens [first, behind the last] and the word of the last place of a piece of text.
function place(run, piece) {
  const start = run.words.map(([, , text]) => text).join("").lastIndexOf(piece);
  let at = 0;
  let found = null;
  run.words.forEach(([first, end, text], unit) => {
    if (start >= 0 && at < start + piece.length && at + text.length > start) found = { first: found?.first ?? first, end, unit };
    at += text.length;
  });
  return found;
}

// One head, the one that looks most from one word at another.
async function pair(views, server, { name, text }) {
  const { run } = views;
  const [from, to] = [t(`look_example_${text}_focus`), t(`tour_${name}_to`)];
  const [query, key] = [place(run, from), place(run, to)];
  const reading = { hide_first: true, words: true };
  const head = await server.clearest_head({ run: run.id, ...reading, query: [query.first, query.end], key: [key.first, key.end] });
  if (head.error) return head;
  await views.view({ layer: head.layer, head: head.head, ...reading }, query.unit);
  const values = { layer: head.layer + 1, head: head.head + 1, heads: run.layers * run.heads, share: percent(head.share) };
  return head.clear ? sentenceWith(t(`tour_${name}_found`, values), from, to) : sentenceWith(t("tour_missed", values), to);
}

// The average with the first token in it.
async function rest(views) {
  const { run } = views;
  await views.view({ layer: null, head: null, hide_first: false, words: true }, run.words.length - 1);
  return [t(run.first_share < 0.05 ? "tour_rest_small" : "tour_rest_said", { share: percent(run.first_share) })];
}

// The odds of the next word.
async function next(views) {
  const { run } = views;
  await views.view({ layer: null, head: null, hide_first: true, words: true }, run.words.length - 1);
  const [[text, logit]] = run.next.tokens;
  const step = run.next.temperatures.findIndex((value) => value >= 1);
  const share = Math.exp(logit / run.next.temperatures[step] - run.next.log_sums[step]);
  return sentenceWith(t("tour_next_said", { share: percent(share) }), visible(text));
}
