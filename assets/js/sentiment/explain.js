// "What is this number?": where the shares come from, in plain words.

import { h, number, t } from "../dom.js";
import { labelName, percent, setName } from "./words.js";

export function explanation(view) {
  const said = view.classifier ? [t("se_why_classifier", { model: view.model })] : [t("se_why_scored", { model: view.model }), t("se_why_softmax"), ...fitted(view)];
  if ((view.sentences ?? []).length > 1) said.push(t(view.by_sentences ? "se_why_sentences" : "se_why_whole"));
  said.push(t("se_why_words"));
  return [...said.map((text) => h("p", {}, text)), table(view)];
}

function fitted({ calibration: fit }) {
  if (!fit) return [];
  const values = { temperature: number.format(fit.temperature), rows: number.format(fit.rows), set: setName(fit.fitted_on), date: fit.date };
  if (!fit.rows) return [t("se_why_unfitted", values)];
  return [t(fit.temperature > 1 ? "se_why_fitted" : "se_why_sharpened", values)];
}

// The figures behind the shares, for those who want them.
function table({ labels, overall, calibration }) {
  if (!overall.logprobs || !calibration) return "";
  return h("table", { class: "se-figures" }, h("caption", {}, t("se_figures")),
    h("thead", {}, h("tr", {}, h("th", {}, t("se_figures_label")), h("th", {}, t("se_figures_words")), h("th", {}, t("se_figures_logprob")), h("th", {}, t("se_figures_share")))),
    h("tbody", {}, ...labels.map(([name, ...words], index) => h("tr", {}, h("th", {}, labelName(name)), h("td", {}, words.join(", ")), h("td", {}, overall.logprobs[index].toFixed(2)), h("td", {}, percent(overall.probabilities[index]))))));
}
