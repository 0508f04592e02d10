// "What am I looking at?": three sentences that follow the view, and one that always stands.

import { h, isExpert, number, t } from "../dom.js";
import { told } from "./direction.js";
import { percent, visible } from "./ramp.js";

const TELLING = ["induction", "same_word", "previous"]; // kinds whose best head shows its habit at first sight

export class Explanation {
  constructor({ onpick }) {
    this.onpick = onpick;
    this.tries = h("div", { class: "look-tries", hidden: true });
    this.list = h("div", { class: "look-sentences" });
    this.element = h("section", { class: "look-card look-explain" }, h("h2", {}, t("look_what")), this.list, this.tries, h("p", { class: "look-caveat" }, t("look_caveat")));
  }

  // The clearest head of each telling kind, one click away.
  suggest(heads, run) {
    const best = clearest(heads);
    this.tries.hidden = best.length === 0;
    this.tries.replaceChildren(h("h3", {}, t("look_try")), ...best.map((index) => {
      const [layer, head] = [Math.floor(index / run.heads), index % run.heads];
      return h("button", { type: "button", class: "look-kind", onclick: () => this.onpick(layer, head) }, t(`look_kind_${heads[index].label}`),
        h("span", { class: "share" }, t("look_grid_line", { layer: layer + 1, head: head + 1 })));
    }));
  }

  show({ run, choice, label }) {
    const sentences = [told(run, choice.words ? "look_explain_words" : "look_explain_tokens"), whose(run, choice, label),
      choice.value_weighted ? t("look_explain_values") : resting(run, choice)];
    this.list.replaceChildren(...sentences.filter(Boolean).map((sentence) => h("p", {}, sentence)), isExpert() ? h("p", { class: "mono" }, check(run)) : "");
  }
}

// The clearest head of each telling kind, as places in the list of all heads.
export function clearest(heads) {
  return TELLING.map((kind) => heads.reduce((most, head, index) => (
    head.label === kind && head.strength > (heads[most]?.strength ?? 0) ? index : most), -1)).filter((index) => index >= 0);
}

export function whose(run, { layer, head, rolled_out }, label) {
  if (rolled_out) return t("look_explain_rollout", { layers: run.layers });
  if (layer === null) return t("look_explain_all", { heads: number.format(run.layers * run.heads), layers: run.layers });
  if (head === null) return t("look_explain_layer", { layer: layer + 1, heads: run.heads });
  const place = t("look_explain_head", { layer: layer + 1, head: head + 1 });
  return label ? `${place} ${told(run, `look_kind_${label}_about`)}` : place;
}

// The same in a few words, as a title.
export function titleOf(run, { layer, head, rolled_out }, label) {
  if (rolled_out) return t("look_title_rollout", { layers: run.layers });
  if (layer === null) return t("look_title_all", { heads: number.format(run.layers * run.heads) });
  if (head === null) return t("look_title_layer", { layer: layer + 1, heads: run.heads });
  const place = t("look_grid_line", { layer: layer + 1, head: head + 1 });
  return label ? `${place} · ${told(run, `look_kind_${label}`)}` : place;
}

// Where attention rests whatever the text is: on the first token, or on the marks that stand around a text.
export function resting(run, choice) {
  const share = percent(run.first_share);
  if (!run.resting.length) return ""; // nothing to explain
  if (run.model_id) return t(choice.hide_first ? "look_rest_hidden" : "look_rest_shown", { share, names: restingNames(run) });
  if (run.first_share < 0.05) return t("look_first_small", { share });
  return t(choice.hide_first ? "look_first_hidden" : "look_first_shown", { share });
}

export const restingNames = (run) => [...new Set(run.resting.map((token) => visible((run.source ?? run).tokens[token])))].join(", ");

function check(run) {
  return t("look_checked", { deviation: run.deviation.toExponential(1), tokens: number.format(run.tokens.length), model: run.model });
}
