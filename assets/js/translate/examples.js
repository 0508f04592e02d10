// What the empty tab offers to try.

import { h, t } from "../dom.js";

const NAMES = ["postcard", "notice", "app"];

// `onchoose(text, target)`
export function examples(onchoose) {
  return h("div", { class: "tr-examples" }, NAMES.map((name) => h("button", { type: "button", class: "example", onclick: () => onchoose(t(`tr_example_${name}_text`), t(`tr_example_${name}_to`)) },
    h("strong", {}, t(`tr_example_${name}`)), h("span", { dir: "auto" }, t(`tr_example_${name}_text`)))));
}
