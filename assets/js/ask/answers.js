// The answers to the questions about one text, the newest first. Each stands in the text: its place lights up there.

import { button, copyButton, h, number, t } from "../dom.js";

const SURE = [[0.75, "sure"], [0.4, "fair"], [0, "guess"]];

// How sure the model is, in words.
export const sureness = (share) => SURE.find(([least]) => share >= least)[1];

// The line under an answer: what was read of a long text, by whom, how long it took.
export function endLine(answer) {
  const parts = answer.parts > 1 ? t(answer.matched ? "as_read_parts" : "as_read_first", { read: number.format(answer.read.length), parts: number.format(answer.parts) }) : "";
  const seconds = number.format(Math.max(0.1, Math.round(answer.seconds * 10) / 10));
  return [answer.cancelled ? t("as_stopped") : "", parts, answer.narrowed ? t("as_narrowed") : "", t("as_by", { model: answer.model, seconds })].filter(Boolean).join(" · ");
}

export class Answers {
  // `onshow(answer, place)` when an answer is looked at, `place` the index of its place; `onagain(question)` to change
  // a question, `onall(question)` to have all parts read, `onhide(answer)` to take one out; `pageAt(offset)` is the page
  // of a place, `say(text, span)` the words there.
  constructor({ onshow, onagain, onall, onhide, pageAt, words }) {
    Object.assign(this, { onshow, onagain, onall, onhide, pageAt, words });
    this.list = [];
    this.cards = new Map();
    this.places = new Map();
    this.element = h("ol", { class: "as-answers", "aria-label": t("as_answers") });
    this.element.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") this.point(event.target); });
  }

  clear() { this.show([]); }

  // Puts `list` (the oldest first) on the page; the newest is looked at.
  show(list, look = list.at(-1)?.number) {
    this.list = list;
    this.cards.clear();
    this.element.replaceChildren(...list.map((answer) => this.card(answer)).reverse());
    const found = list.find((answer) => answer.number === look);
    if (found) this.look(found); else this.current = null;
  }

  card(answer) {
    const found = Boolean(answer.text);
    const [, body] = [answer.number, h("div", { class: "as-body" })];
    const node = h("li", { class: found ? "as-card" : "as-card none", "data-number": String(answer.number), tabindex: "0", "aria-label": answer.question }, this.question(answer), body);
    node.addEventListener("focusin", () => { if (this.current !== answer) this.look(answer); });
    node.addEventListener("click", () => { if (!String(getSelection()).trim()) this.look(answer); });
    node.addEventListener("keydown", (event) => this.key(event, node));
    this.cards.set(answer.number, { answer, node, body });
    this.fill(answer);
    return node;
  }

  question(answer) {
    return h("div", { class: "as-question" }, h("strong", { dir: "auto" }, answer.question), h("span", { class: "as-actions" },
      answer.text ? copyButton(t("as_copy"), answer.text) : null,
      button(t("as_again"), { iconName: "edit", onclick: (event) => { event.stopPropagation(); this.onagain(answer.question); } }),
      button(t("as_hide"), { iconName: "trash", onclick: (event) => { event.stopPropagation(); this.onhide(answer); } })));
  }

  fill(answer) {
    const { body } = this.cards.get(answer.number);
    const level = sureness(answer.sure);
    const percent = number.format(Math.round(100 * answer.sure));
    body.replaceChildren(
      answer.text
        ? h("p", { class: "as-answer" }, h("span", { dir: "auto" }, answer.text), h("span", { class: `as-sure ${level}`, title: t("as_sure_about", { percent }) }, h("i", { style: `--share: ${answer.sure}`, "aria-hidden": "true" }), t(`as_sure_${level}`)))
        : h("p", { class: "as-none" }, t(answer.cancelled ? "as_none_stopped" : "as_none")),
      ...this.evidence(answer),
      h("p", { class: "as-line" }, endLine(answer), answer.read.length < answer.parts
        ? h("button", { type: "button", class: "as-all", onclick: (event) => { event.stopPropagation(); this.onall(answer.question); } }, t("as_read_all", { parts: number.format(answer.parts) })) : null));
  }

  // The sentence that shows it, with the answer marked in it, and the way to further places.
  evidence(answer) {
    if (!answer.evidence) return [];
    const index = this.places.get(answer.number) ?? 0;
    const place = answer.places[index];
    const [start, end] = index ? this.words.around(place) : answer.evidence;
    const say = (from, to) => this.words.say([from, to]).replace(/\s+/g, " ");
    const marked = place && place[0] >= start && place[1] <= end;
    const quote = marked ? [say(start, place[0]), h("mark", {}, say(...place)), say(place[1], end)] : [say(start, end)];
    const page = this.pageAt(start);
    return [h("blockquote", { dir: "auto" }, answer.text ? null : h("small", {}, t("as_closest")), h("span", {}, ...quote), page ? h("small", {}, t("as_page", { page: number.format(page) })) : null),
      ...(answer.places.length > 1 ? [this.walk(answer, index)] : [])];
  }

  walk(answer, index) {
    const { length } = answer.places;
    const go = (by) => (event) => {
      event.stopPropagation();
      this.places.set(answer.number, (index + by + length) % length);
      this.fill(answer);
      this.look(answer);
      this.cards.get(answer.number).body.querySelectorAll(".as-walk button")[by > 0 ? 1 : 0].focus();
    };
    return h("p", { class: "as-walk" }, button(t("as_place_before"), { iconName: "left", onclick: go(-1) }),
      h("span", { role: "status" }, t("as_place", { place: number.format(index + 1), places: number.format(length) })), button(t("as_place_next"), { iconName: "right", onclick: go(1) }));
  }

  look(answer) {
    this.current = answer;
    for (const { node, answer: other } of this.cards.values()) {
      node.classList.toggle("looked", other === answer);
      if (other === answer) node.setAttribute("aria-current", "true"); else node.removeAttribute("aria-current");
    }
    const index = this.places.get(answer.number) ?? 0;
    const place = answer.places[index];
    this.onshow(answer, place ?? null, place && index ? this.words.around(place) : answer.evidence);
  }

  point(target) {
    const number = Number(target.closest?.("[data-number]")?.dataset.number ?? -1);
    const card = this.cards.get(number);
    if (card && card.answer !== this.current) this.look(card.answer);
  }

  key(event, node) {
    if (event.target !== node || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    (event.key === "ArrowDown" ? node.nextElementSibling : node.previousElementSibling)?.focus();
  }
}
