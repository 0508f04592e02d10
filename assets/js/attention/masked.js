// What comes next where nothing does: a model that fills gaps guesses the pinned word, others say why they cannot.

import { h, number, t } from "../dom.js";
import { percent, visible } from "./ramp.js";
import { sentenceWith } from "./reading.js";

const SHOWN = 6;
const PAUSE_MS = 150;

export class MaskedWord {
  // `target()` is the word in question: its tokens from `first` to `end` (not included), and its text.
  constructor({ run, server, target }) {
    Object.assign(this, { run, server, target });
    this.known = new Map();
    this.about = h("p", { class: "hint" });
    this.rows = h("ol", { class: "look-links" });
    this.said = h("p", { class: "look-said" });
    this.problem = h("p", { class: "problem", role: "alert", hidden: true });
    this.element = h("section", { class: "look-card look-next look-masked" }, h("h2", {}, t("mask_title")), this.about, this.problem, this.rows, this.said);
  }

  get fills() { return this.run.kind === "masked"; }

  // Another word is asked about. A pointer that runs over the text must not ask for all of them.
  show() {
    clearTimeout(this.waiting);
    if (!this.fills) { this.say(t("mask_not_made", { model: this.run.model })); this.rows.hidden = true; return; }
    this.waiting = setTimeout(() => this.load(), PAUSE_MS);
  }

  say(...parts) { this.about.replaceChildren(...parts); }

  async load() {
    const { first, end, text } = this.target();
    this.problem.hidden = true;
    if (this.run.special.some((token) => token >= first && token < end) && !/mask/i.test(text)) { // a gap may be written
      this.say(...sentenceWith(t("mask_special"), visible(text)));
      this.rows.replaceChildren();
      this.said.textContent = "";
      return;
    }
    const key = `${first}-${end}`;
    if (!this.known.has(key)) this.known.set(key, this.server.guess({ run: this.run.id, first, end }));
    const answer = await this.known.get(key);
    const now = this.target();
    if (`${now.first}-${now.end}` !== key) return;
    if (answer.error) {
      this.known.delete(key);
      this.problem.textContent = answer.error;
      this.problem.hidden = false;
      return;
    }
    this.draw(visible(text), answer);
  }

  draw(word, { guesses, pieces, original, rank }) {
    this.say(...sentenceWith(t("mask_about"), word));
    const shown = guesses.slice(0, SHOWN);
    const listed = original && rank <= SHOWN;
    if (original && !listed) shown.splice(SHOWN - 1);
    // Where words begin with a blank, a guess without one continues the word before.
    const named = (text) => (original?.[0].startsWith(" ") && /^\p{L}/u.test(text) ? `…${visible(text)}` : visible(text));
    const rows = shown.map(([text, share], index) => line(named(text), share, original && index + 1 === rank ? "chosen" : ""));
    if (original && !listed) rows.push(line(t("mask_original", { word: visible(original[0]), rank: number.format(rank) }), original[1], "chosen"));
    const rest = Math.max(0, 1 - shown.reduce((sum, [, share]) => sum + share, listed || !original ? 0 : original[1]));
    this.rows.replaceChildren(...rows, line(t("look_next_rest"), rest, "rest"));
    const unknown = original && /^[[<]unk[\]>]$/i.test(original[0].trim());
    const told = unknown ? t("mask_unknown") : !original ? (pieces > 1 ? t("mask_pieces", { pieces }) : "") : rank === 1 ? t("mask_first") : t("mask_rank", { rank: number.format(rank), share: percent(original[1], 1) });
    this.said.replaceChildren(...sentenceWith(told, word));
  }
}

const line = (word, share, extra) => h("li", { class: extra }, h("div", { style: `--share:${share.toFixed(4)}` },
  h("span", { class: "bar" }), h("span", { class: "word" }, word), h("span", { class: "share" }, percent(share, share < 0.1 ? 1 : 0))));
