// What a translation model did: three places where it looks, one at a time.

import { h, t } from "../dom.js";
import { Alignment } from "./alignment.js";

const PLACES = ["cross", "source", "translation"];

export class Pair {
  // `inspect(run)` makes the views of one text, `onedit(text)` lets the visitor change the translation.
  constructor({ run, server, inspect, onproblem, onedit }) {
    Object.assign(this, { run, server, inspect, onproblem });
    this.views = new Map([["cross", new Alignment({ run, server, onproblem, onedit })]]);
    this.scope = h("div", { class: "segments", role: "radiogroup", "aria-label": t("align_which") });
    this.body = h("div", {});
    this.element = h("div", { class: "look-pair" }, h("div", { class: "row align-which" }, h("span", {}, t("align_which")), this.scope), this.body);
    this.place("cross");
  }

  start(focus, state) { return this.views.get("cross").start(focus, state); }

  // For a link, which is always of the alignment, and for files of what is seen.
  state() { return this.views.get("cross").state(); }

  saved(what) {
    const views = this.views.get(this.chosen) ?? this.views.get("cross");
    return { ...views.saved(what), run: views.id ?? views.run.id };
  }

  place(name) {
    this.chosen = name;
    this.scope.replaceChildren(...PLACES.map((one) => h("button", { type: "button", role: "radio", "aria-checked": String(one === name), onclick: () => this.choose(one) }, t(`align_which_${one}`))));
    this.body.replaceChildren(...(this.views.has(name) ? [this.views.get(name).element] : []));
  }

  async choose(name) {
    this.place(name);
    [...this.scope.children][PLACES.indexOf(name)].focus({ preventScroll: true });
    if (this.views.has(name)) return;
    const id = `${this.run.id}.${name}`;
    const run = await this.server.open_run({ run: id });
    if (run.error) { this.onproblem(run.error); return; }
    if (this.views.has(name)) return;
    const views = this.inspect({ ...run, id });
    this.views.set(name, views);
    if (this.chosen === name) this.place(name);
    views.start(null);
  }
}
