// Small bars: the shares of a text in one line, and before and after a change.

import { h } from "../dom.js";
import { labelName, percent, points, tone, toneOf } from "./words.js";

// All labels in one bar, one behind the other.
export function stacked(probabilities, names) {
  const total = probabilities.reduce((sum, share) => sum + share, 0) || 1;
  const said = probabilities.map((share, index) => `${labelName(names[index])} ${percent(share)}`).join(", ");
  return h("span", { class: "se-stack", role: "img", "aria-label": said, title: said },
    ...probabilities.map((share, index) => h("span", { class: toneOf(names[index]) || tone(index), style: `flex-grow: ${(share / total).toFixed(4)}` })));
}

// A row for each label: the bar before (pale) over the bar after, and the change in points.
export function beforeAndAfter(before, after, names) {
  return h("div", { class: "se-pairs" }, ...names.map((name, index) => {
    const change = after[index] - before[index];
    const bar = (share, kind) => h("span", { class: `se-fill ${kind} ${toneOf(name) || tone(index)}`, style: `width: ${(100 * share).toFixed(1)}%` });
    return h("div", { class: "se-pair" }, h("span", { class: "se-pair-name" }, labelName(name)),
      h("span", { class: "se-track two", "aria-hidden": "true" }, bar(before[index], "before"), bar(after[index], "after")),
      h("span", { class: "se-pair-share" }, `${percent(before[index])} → ${percent(after[index])}`), h("strong", { class: "se-pair-change" }, points(change)));
  }));
}
