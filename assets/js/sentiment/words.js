// How labels, shares and words read in the visitor's language; and which colour belongs to what.

import { number, page, t } from "../dom.js";

// A Chinese or Japanese sign, or what stands between blanks and their punctuation: as the server cuts them.
const WORD = /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff，。、；：“”（）《》「」]+/g;
const BEFORE = /^[.,;:!?…"'‘’()[\]{}«»—–\-！？]+/;
const AFTER = /[.,;:!?…"'‘’()[\]{}«»—–\-！？]+$/;

// [start, end] of every word, without the punctuation around it; what is nothing else, such as ":)", is a word too.
export function wordsOf(text) {
  return [...text.matchAll(WORD)].map(({ 0: piece, index }) => {
    const bare = piece.replace(BEFORE, "");
    const inner = bare.replace(AFTER, "");
    const start = index + (piece.length - bare.length);
    return inner ? [start, start + inner.length] : [index, index + piece.length];
  });
}

export const CLOSE = 0.1; // labels nearer than this are told together: "not sure"

const oneDigit = new Intl.NumberFormat(page.language, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const signed = new Intl.NumberFormat(page.language, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
const key = (name) => `se_label_${name.replaceAll(" ", "_")}`;

// A label of ours in the visitor's language, any other as it is.
export const labelName = (name) => (key(name) in page.strings ? t(key(name)) : name);

// Never "100 %" for what is not certain.
export function percent(share) {
  const value = 100 * share;
  if (value > 99 && value < 100) return `${oneDigit.format(Math.min(99.9, value))} %`;
  if (value > 0 && value < 1) return value < 0.1 ? `< ${oneDigit.format(0.1)} %` : `${oneDigit.format(value)} %`;
  return `${number.format(Math.round(value))} %`;
}

export const points = (change) => signed.format(Math.abs(100 * change) < 0.05 ? 0 : 100 * change);

// The likeliest labels, best first: [[index, share], ...].
export const ranked = (probabilities) => probabilities.map((share, index) => [index, share]).sort((a, b) => b[1] - a[1]);

// {index, unsure, second}: what a text is called.
export function verdictOf(probabilities, independent = false) {
  const [first, second] = ranked(probabilities);
  return { index: first[0], share: first[1], second: second?.[0], unsure: !independent && second !== undefined && first[1] - second[1] < CLOSE };
}

export function verdictText(probabilities, names, independent = false) {
  const { index, second, unsure } = verdictOf(probabilities, independent);
  return unsure ? t("se_unsure_between", { first: labelName(names[index]), second: labelName(names[second]) }) : labelName(names[index]);
}

// "cool", "plain" and "warm" for the labels of sentiment, "" for others.
export const toneOf = (name) => ({ negative: "cool", neutral: "plain", positive: "warm" })[name] ?? "";

// A colour for each of other labels, by its place.
export const tone = (index) => `tone-${index % 8}`;

// From -1 (cool) to 1 (warm) for sentiment: what colour a sentence has.
export function leaning(probabilities, names) {
  const [cool, warm] = [names.indexOf("negative"), names.indexOf("positive")];
  return cool < 0 || warm < 0 ? null : probabilities[warm] - probabilities[cool];
}

// A share near 0 or 1 says little more than one that is somewhat less so, and computing in 16 bits moves it as much.
const SOFT = 0.05;
const odds = (share, other) => Math.log((share + SOFT) / (other + SOFT));

// What a word adds: towards positive where there are two sides, else towards the label `index`.
export function weightOf(whole, without, names, index = null) {
  const [cool, warm] = [names.indexOf("negative"), names.indexOf("positive")];
  if (index === null && cool >= 0 && warm >= 0) {
    return odds(whole[warm], whole[cool]) - odds(without[warm], without[cool]);
  }
  const label = index ?? ranked(whole)[0][0];
  return odds(whole[label], 1 - whole[label]) - odds(without[label], 1 - without[label]);
}

// Where texts with known labels come from.
export const setName = (name) => (name.startsWith("tweets") ? t("se_set_tweets") : name === "sst2" ? t("se_set_reviews") : name === "own_texts" ? t("se_set_examples") : name || t("se_set_yours"));
