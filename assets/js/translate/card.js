// The card of one sentence: what it was, what is to be said of its translation, other wordings, the way back.

import { announce, button, h, number, popover, t, toast } from "../dom.js";
import { nameOf } from "./languages.js";

// With these there is nothing to put back: that an echo reads like the text says nothing.
const UNTRANSLATED = ["empty", "echo", "language"];

// `onreplaced(index, answer)` hears that a sentence reads differently now.
export function openCard({ anchor, index, run, view, source, server, tab, direction, onreplaced }) {
  const more = h("div", { class: "tr-more", "aria-live": "polite" });
  const own = h("textarea", { rows: 2, value: view?.text ?? "", "aria-label": t("tr_own_wording"), dir: direction });
  const ask = async (name, busy, show) => {
    more.replaceChildren(h("p", { class: "hint tr-asking" }, busy));
    open.place();
    const answer = await server[name]({ run: run.id, index, tab });
    if (!open.panel.isConnected) return;
    more.replaceChildren(...(answer.error ? [h("p", { class: "problem" }, answer.error)] : show(answer)));
    open.place();
  };
  const use = async (text, { undo = true } = {}) => {
    const before = view?.text;
    const answer = await server.replace_sentence({ run: run.id, index, text });
    if (answer.error) { toast(answer.error); return; }
    onreplaced(index, answer);
    open.dismiss();
    announce(t("tr_replaced"));
    if (undo && before) toast(t("tr_replaced"), { action: t("undo"), onaction: () => use(before, { undo: false }) });
    view = answer.sentence;
  };
  const option = (one) => h("button", { type: "button", class: "tr-wording", dir: "auto", onclick: () => use(one.text) }, h("span", {}, one.text),
    one.problems.length ? h("small", { class: "tr-badge" }, t(`tr_badge_${one.problems[0]}`)) : null);
  const wordings = ({ wordings }) => (wordings.length ? [h("p", { class: "hint" }, t("tr_wordings_about")), ...wordings.map(option)] : [h("p", { class: "hint" }, t("tr_wordings_none"))]);
  const back = ({ text, close, nearness }) => [h("p", { class: "hint" }, t("tr_back_about", { language: nameOf(run.source) })), h("blockquote", { dir: "auto" }, text || "–"),
    h("p", { class: "hint", "data-tip": t("tr_back_tip", { score: number.format(nearness) }), tabindex: "0" }, t(`tr_back_${close}`))];
  const content = h("div", { class: "tr-card" },
    h("h3", {}, t("tr_card", { number: number.format(index + 1), total: number.format(run.sentences.length) })),
    h("p", { class: "tr-card-source", dir: "auto", lang: run.source }, source),
    ...(view ? said(view) : [h("p", { class: "hint" }, t("tr_missing"))]),
    h("div", { class: "row" },
      button(t(view ? "tr_wordings" : "tr_translate_one"), { text: true, class: "tr-ask", onclick: () => ask("other_wordings", t("tr_wordings_wait"), wordings) }),
      view && !UNTRANSLATED.some((problem) => view.problems.includes(problem)) ? button(t("tr_back"), { text: true, class: "tr-ask", onclick: () => ask("translate_back", t("tr_back_wait"), back) }) : null),
    more,
    h("details", { class: "tr-own" }, h("summary", {}, t("tr_own_wording")), own, button(t("tr_use_own"), { text: true, class: "primary", onclick: () => use(own.value) })));
  const open = popover(anchor, content, { label: t("tr_card", { number: number.format(index + 1), total: number.format(run.sentences.length) }), className: "panel tr-popover",
    onclose: () => server.stop_asking({ tab }) });
  content.querySelector("details").addEventListener("toggle", () => open.place());
  return open;
}

// What the guards and the model say of a translation, in sentences.
function said(view) {
  const lines = [];
  if (view.kept) lines.push(h("p", { class: "hint" }, t(view.kept === "already" ? "tr_kept_already" : "tr_kept_no_words")));
  for (const problem of view.kept ? [] : view.problems) {
    const what = problem === "mark" ? view.lost : problem === "number" ? view.numbers : [];
    lines.push(h("p", { class: "tr-reason" }, t(`tr_problem_${problem}`), what.length ? h("span", { dir: "auto" }, ` ${what.join(" · ")}`) : null));
  }
  if (view.sureness) {
    const key = { sure: "tr_sure", "fairly sure": "tr_fairly_sure", unsure: "tr_unsure" }[view.sureness];
    lines.push(h("p", { class: "hint", "data-tip": t("tr_sureness_tip"), tabindex: "0" }, t(key, { percent: number.format(Math.round(100 * view.probability)) })));
  }
  for (const [term, translation, used] of view.terms) lines.push(h("p", { class: "hint" }, t(used ? "tr_term_used_here" : "tr_term_missed_here", { term, translation })));
  return lines;
}
