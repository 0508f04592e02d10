// The text to summarize: the shared pane, with what a summary of it would take.

import { number, t } from "../dom.js";
import { SourcePane } from "../source/pane.js";
import { about, percent } from "./words.js";

export class Source extends SourcePane {
  constructor(handlers) {
    const words = { source: t("sm_source"), placeholder: t("sm_placeholder"), go: t("sm_summarize"), stopping: t("sm_stopping") };
    super({ id: "sm-text", draft: "summarize_draft", words, ...handlers });
  }

  // What is going to happen: said before anything begins.
  expect(plan) {
    if (!plan || !this.text.length) this.tell();
    else if (plan.error) this.tell(plan.error, { refused: true });
    else {
      const parts = plan.parts.length;
      this.tell(t(parts > 1 ? "sm_plan_parts" : "sm_plan_whole", { parts: number.format(parts), tokens: number.format(plan.tokens), time: about(plan.seconds) }));
    }
  }

  // `share` tells when all is known.
  covered(parts, read, share = null) {
    super.covered(parts, read, share === null ? "" : t(share >= 1 ? "sm_covered_all" : "sm_covered", { percent: percent(share) }));
  }
}
