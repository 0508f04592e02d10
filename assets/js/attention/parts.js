// The parts of a text of a chat: what the model was given, what it wrote, and the word that is asked about.

import { h, t } from "../dom.js";

// `firsts` are the first tokens of what the spans stand for.
export function markWritten(spans, firsts, run) {
  spans.forEach((span, index) => span.classList.toggle("written", Boolean(run.answer) && firsts[index] >= run.answer.start));
}

// The word that is asked about was chosen behind the text, so it stands there, and is no part of it.
export function chosenWord(run) {
  if (!asksForWord(run)) return [];
  const blank = /^\s*/.exec(run.answer.word)[0];
  return [blank, h("span", { class: "look-chosen", title: t("why_chosen_tip") }, run.answer.word.slice(blank.length) || "∅")];
}

export const asksForWord = (run) => run.answer !== null && run.answer !== undefined && run.answer.index !== null;
