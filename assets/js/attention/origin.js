// Where the text of a run comes from, if not from the box: an answer of a chat. And what is not as it was then.

import { bus, button, h, t } from "../dom.js";
import { asksForWord } from "./parts.js";
import { visible } from "./ramp.js";
import { sentenceWith } from "./reading.js";

export function originOf(run) {
  const notes = (run.notes ?? []).map((sentence) => h("p", { class: "look-note" }, sentence));
  return h("div", { class: "look-origin", hidden: !run.answer && !notes.length }, run.answer ? heading(run) : null, notes);
}

function heading(run) {
  const { answer } = run;
  const about = asksForWord(run);
  const back = () => bus.emit("open-conversation", { id: answer.conversation_id, message_id: answer.message_id });
  return [
    h("div", { class: "look-origin-head" }, h("h2", {}, about ? sentenceWith(t("why_title"), visible(answer.word)) : t("why_answer")),
      button(t("why_back"), { iconName: "left", text: true, onclick: back })),
    h("p", { class: "hint" }, t(about ? "why_about" : "why_answer_about")),
    h("p", { class: "look-samples" }, h("span", { class: "sample given" }, t("why_given")),
      h("span", { class: "sample written" }, t("why_written", { model: answer.model || run.model }))),
  ];
}
