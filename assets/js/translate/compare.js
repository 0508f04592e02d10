// The comparison with a translation that the visitor trusts: one figure with what it means, and what differs.

import { button, h, number, t } from "../dom.js";

// From which chrF++ on a translation shares nearly all with the reference, or much. Where no blanks stand between words a
// sentence is one word to chrF++, and every score is lower.
const SPACED = [70, 45];
const UNSPACED = [45, 14];
const WITHOUT_BLANKS = ["zh", "ja", "th"];

export class Comparison {
  constructor({ server, run }) {
    this.run = run;
    this.box = h("textarea", { rows: 4, placeholder: t("tr_reference_placeholder"), "aria-label": t("tr_reference"), dir: "auto" });
    this.said = h("div", { class: "tr-compared", "aria-live": "polite" });
    this.go = button(t("tr_compare_go"), { text: true, class: "tr-ask", onclick: async () => {
      this.go.disabled = true;
      const answer = await server.compare({ run: this.run()?.id, reference: this.box.value });
      this.go.disabled = false;
      this.show(answer);
    } });
    this.element = h("details", { class: "tr-fold", hidden: true }, h("summary", {}, h("span", {}, t("tr_compare"))), h("p", { class: "hint" }, t("tr_compare_about")), this.box, this.go, this.said);
  }

  show({ error, score, changes }) {
    if (error) { this.said.replaceChildren(h("p", { class: "problem" }, error)); return; }
    const [near, middle] = WITHOUT_BLANKS.includes(this.run()?.target) ? UNSPACED : SPACED;
    const piece = ([kind, text]) => (kind === "same" ? text : h(kind === "added" ? "ins" : "del", {}, text));
    this.said.replaceChildren(
      h("p", {}, h("strong", {}, t("tr_score", { score: number.format(score) })), ` ${t(score >= near ? "tr_score_near" : score >= middle ? "tr_score_middle" : "tr_score_far")}`),
      h("p", { class: "hint" }, t("tr_difference_about")), h("p", { class: "tr-difference", dir: "auto" }, ...changes.map(piece)));
  }

  // A new translation: what was said of another one goes.
  offer(run) {
    this.element.hidden = !run;
    this.said.replaceChildren();
  }
}
