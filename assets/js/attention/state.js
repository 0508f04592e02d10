// The views of one run as a few values: what an address names, what a file is made from, and back.

import { announce } from "../dom.js";

const FOLDS = { steps: "how", whatif: "what" };

// Whose look, which word and what is unfolded.
export function stateOf({ chooser, reading, second }) {
  const view = Object.keys(FOLDS).find((name) => second.isOpen(FOLDS[name])) ?? "reading";
  return { ...chooser.value, query: reading.pinned === null ? null : reading.asked.end - 1, view };
}

// The looks of one word, or the piece of the map that is seen.
export function savedOf({ chooser, heatmap, reading }, what) {
  if (what === "map") return { ...heatmap.choice, ...heatmap.region(), title: heatmap.title.textContent };
  return { ...chooser.value, query: reading.current ?? reading.units.length - 1, title: reading.line.textContent };
}

// The view that an address names. The server has left out what the run does not have.
export async function restore(views, { layer, head, query, hide_sink, words, value_weighted, pool, view }) {
  const { run, reading } = views;
  const last = (words ? run.words : run.tokens).length - 1;
  const unit = query === null ? last : words ? run.words.findIndex(([first, end]) => query >= first && query < end) : query;
  reading.pinned = null;
  views.chooser.set({ layer, head, hide_first: hide_sink, words, value_weighted: value_weighted && run.value_weighted, pool });
  await (query === null ? reading.show(unit) : reading.pin(unit, { quiet: true }));
  reading.bring(unit);
  views.second.open(FOLDS[view]);
  announce(reading.line.textContent);
  await views.drawGrid();
  await views.drawMap();
}
