// How the model's labels meet those that are known: which are taken for which, and how far its percentages can be
// believed.

import { h, number, t } from "../dom.js";
import { svg } from "./chart.js";
import { labelName, percent } from "./words.js";

const SIZE = 220;
const EDGE = 52;

// A cell shows its rows: `oncell(known, given)`.
export function confusion(names, counts, { oncell }) {
  const most = Math.max(1, ...counts.flat());
  const cell = (known, given) => {
    const count = counts[known][given];
    const said = t("many_cell", { count: number.format(count), known: labelName(names[known]), given: labelName(names[given]) });
    const strength = count ? 0.12 + 0.68 * count / most : 0;
    return h("td", {}, h("button", { type: "button", class: known === given ? "many-cell right" : "many-cell", style: `--strength: ${strength.toFixed(3)}`, disabled: !count, title: said, "aria-label": said, onclick: () => oncell(known, given) }, number.format(count)));
  };
  return h("figure", { class: "many-figure" },
    h("figcaption", {}, h("strong", {}, t("many_confusion")), h("p", { class: "hint" }, t("many_confusion_about"))),
    h("div", { class: "many-wide" }, h("table", { class: "many-confusion" },
      h("thead", {}, h("tr", {}, h("td", { class: "many-corner" }, t("many_corner")), names.map((name) => h("th", { scope: "col" }, labelName(name))))),
      h("tbody", {}, names.map((name, known) => h("tr", {}, h("th", { scope: "row" }, labelName(name)), names.map((_, given) => cell(known, given))))))));
}

// One plain sentence for the chart: the bin with the most texts says most.
export function reliabilitySentence(bins) {
  const [confidence, accuracy, texts] = bins.reduce((best, bin) => (bin[2] > best[2] ? bin : best));
  const told = { confidence: percent(confidence), right: number.format(Math.round(accuracy * texts)), texts: number.format(texts) };
  const gap = accuracy - confidence;
  return `${t("many_reliability_fact", told)} ${t(Math.abs(gap) < 0.05 ? "many_reliability_good" : gap < 0 ? "many_reliability_over" : "many_reliability_under")}`;
}

export function reliability(bins, texts) {
  const x = (share) => EDGE + share * SIZE;
  const y = (share) => SIZE + 8 - share * SIZE;
  const grid = [0, 0.5, 1].flatMap((share) => [
    svg("line", { x1: x(0), x2: x(1), y1: y(share), y2: y(share) }), svg("text", { x: x(0) - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
    svg("text", { x: x(share), y: y(0) + 24, "text-anchor": "middle" }, percent(share))]);
  const dots = bins.map(([confidence, accuracy, count]) => svg("circle", { cx: x(confidence), cy: y(accuracy), r: 4 + 10 * Math.sqrt(count / texts) }, svg("title", {}, t("many_bin", { confidence: percent(confidence), accuracy: percent(accuracy), count: number.format(count) }))));
  const drawing = svg("svg", { viewBox: `0 -8 ${SIZE + EDGE + 30} ${SIZE + 44}`, class: "many-reliability", "aria-hidden": "true" }, ...grid, svg("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "many-ideal" }), ...dots);
  const rows = bins.map(([confidence, accuracy, count]) => h("tr", {}, h("td", {}, percent(confidence)), h("td", {}, percent(accuracy)), h("td", {}, number.format(count))));
  return h("figure", { class: "many-figure" },
    h("figcaption", {}, h("strong", {}, t("many_reliability")), h("p", {}, reliabilitySentence(bins)), h("p", { class: "hint" }, t("many_reliability_about"))),
    drawing,
    h("details", { class: "many-figures" }, h("summary", {}, t("many_as_table")), h("table", {},
      h("thead", {}, h("tr", {}, ["many_said", "many_was", "many_texts_column"].map((one) => h("th", { scope: "col" }, t(one))))), h("tbody", {}, rows))));
}
