// Remembers across a reload of this one page that a translation is being made for it.

const KEY = "playground.translate_underway";

export const underWay = {
  note(job) {
    try {
      if (job) sessionStorage.setItem(KEY, JSON.stringify(job));
      else sessionStorage.removeItem(KEY);
    } catch { /* a private window */ }
  },
  recall() {
    try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; }
  },
};
