// How figures and languages read in the visitor's language.

import { number, page, t } from "../dom.js";

const names = new Intl.DisplayNames([page.language === "zh" ? "zh-Hans" : "en"], { type: "language" });
export const nameOf = (code) => (code ? names.of(code) ?? code : "");

// "about 20 s", "about 3 min": a guess is not told to the second.
export function about(seconds) {
  if (seconds >= 90) return t("sm_minutes", { minutes: number.format(Math.round(seconds / 60)) });
  const rounded = seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5;
  return t("sm_seconds", { seconds: number.format(rounded) });
}

export const percent = (share) => number.format(share >= 1 ? 100 : Math.min(99, Math.round(share * 100)));
