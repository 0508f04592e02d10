// Sentences that are others for a model that looks both ways: it knows no "later" and no "last time".

import { page, t } from "../dom.js";

export function told(run, key, values) {
  const both = `${key}_both`;
  return t(run.both_ways && both in page.strings ? both : key, values);
}
