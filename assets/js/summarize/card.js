// A small card at a sentence of the summary: the sentences of the text that it comes from, and what they do not say.

import { button, h, number, popover, t } from "../dom.js";

export function openCard({ anchor, sentence, source, compared, onshow, onclose }) {
  const quotes = sentence.evidence.map(([start, end]) => {
    const page = source.pageAt(start);
    return h("blockquote", { dir: "auto" }, source.text.slice(start, end).trim(), page ? h("small", {}, t("sm_page", { page: number.format(page) })) : null);
  });
  const reasons = sentence.flags.map(([kind, text]) => h("p", { class: "sm-reason" }, t(`sm_flag_${kind}`, { text })));
  const none = compared ? t("sm_no_source") : t("sm_not_compared");
  let card;
  const show = quotes.length ? button(t("sm_show"), { text: true, class: "primary", onclick: () => { card.dismiss(); onshow(); } }) : null;
  card = popover(anchor, h("div", { class: "sm-card" }, h("h3", {}, t(quotes.length > 1 ? "sm_from_several" : "sm_from_one")),
    ...(quotes.length ? [...quotes, h("p", { class: "hint" }, t("sm_found_about"))] : [h("p", {}, none)]), ...reasons, show), { label: t("sm_from_one"), className: "panel sm-popover", onclose });
}
