// Charts of how many texts have which label: shares of all, and of every group or day. Drawn as plain elements and SVG;
// every figure of a drawing stands in a table or in a label too.

import { h, number, page, t } from "../dom.js";
import { labelName, percent, toneOf } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HUES = 8;
const WIDTH = 640;
const HEIGHT = 190;
const FOOT = 34;

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(name, value);
  node.append(...children.flat());
  return node;
}

// The colour class of a label: blue to orange for sentiment, one of several hues for others.
export const colourOf = (name, index) => toneOf(name) || `hue-${index % HUES}`;

// One row for each label; `onlabel(index)` when one is pressed.
export function shareRows(names, counts, { onlabel }) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return h("div", { class: "many-shares", role: "list", "aria-label": t("many_shares") }, names.map((name, index) => {
    const share = all ? counts[index] / all : 0;
    return h("div", { role: "listitem" }, h("button", { type: "button", class: "many-share", title: t("many_share_tip", { label: labelName(name) }), onclick: () => onlabel(index) },
      h("span", { class: "many-share-name" }, labelName(name)),
      h("span", { class: "many-track", "aria-hidden": "true" }, h("span", { class: `many-fill ${colourOf(name, index)}`, style: `width: ${100 * share}%` })),
      h("span", { class: "many-share-part" }, h("strong", {}, percent(share)), h("small", {}, number.format(counts[index])))));
  }));
}

// One bar of all labels: while texts are being judged, and for every group.
export function stackedBar(names, counts) {
  return h("div", { class: "many-stack", "aria-hidden": "true" }, names.map((name, index) => h("span", { class: colourOf(name, index), style: `flex-grow: ${counts[index]}`, hidden: !counts[index] })));
}

export function legend(names) {
  return h("div", { class: "many-legend" }, names.map((name, index) => h("span", {}, h("i", { class: colourOf(name, index), "aria-hidden": "true" }), labelName(name))));
}

// The groups of a table: columns for days, months or years, rows for others.
export function groupChart(names, groups) {
  const drawn = groups.period ? columns(names, groups) : h("div", { class: "many-groups", "aria-hidden": "true" }, groups.names.map((group, place) =>
    h("div", { class: "many-group" }, h("span", { class: "many-group-name", dir: "auto" }, group), stackedBar(names, groups.counts[place]), h("small", {}, number.format(sum(groups.counts[place]))))));
  return h("figure", { class: "many-figure" }, h("figcaption", {}, h("strong", {}, t("many_by", { column: groups.column })), legend(names)), drawn, groupTable(names, groups));
}

const sum = (counts) => counts.reduce((all, count) => all + count, 0);

export function periodName(name, period) {
  const [year, month = 1, day = 1] = name.split("-").map(Number);
  const how = { day: { day: "numeric", month: "short" }, month: { month: "short", year: "2-digit" }, year: { year: "numeric" } }[period];
  return new Intl.DateTimeFormat(page.language, { ...how, timeZone: "UTC" }).format(new Date(Date.UTC(year, month - 1, day)));
}

// Height of a column: how many texts; its parts: the labels.
function columns(names, groups) {
  const most = Math.max(1, ...groups.counts.map(sum));
  const step = WIDTH / groups.names.length;
  const wide = Math.min(48, step * 0.7);
  const every = Math.ceil(groups.names.length / 8);
  const drawn = groups.names.flatMap((name, place) => {
    let top = HEIGHT;
    const left = place * step + (step - wide) / 2;
    const parts = groups.counts[place].map((count, index) => {
      const height = (HEIGHT - 12) * count / most;
      top -= height;
      return svg("rect", { x: left, y: top, width: wide, height, class: colourOf(names[index], index), rx: 1.5 });
    });
    const label = place % every ? [] : [svg("text", { x: left + wide / 2, y: HEIGHT + 20, "text-anchor": "middle" }, periodName(name, groups.period))];
    return [...parts, ...label];
  });
  const scale = [svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), svg("text", { x: 0, y: 10, class: "many-scale" }, t("many_texts", { count: number.format(most) }))];
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`, class: "many-columns", "aria-hidden": "true" }, ...scale, ...drawn);
}

// The same figures for those who read tables rather than drawings.
function groupTable(names, groups) {
  const rows = groups.names.map((group, place) => h("tr", {}, h("th", { scope: "row", dir: "auto" }, groups.period ? periodName(group, groups.period) : group), groups.counts[place].map((count) => h("td", {}, number.format(count)))));
  return h("details", { class: "many-figures" }, h("summary", {}, t("many_as_table")), h("div", { class: "many-wide" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, groups.column), names.map((name) => h("th", { scope: "col" }, labelName(name))))), h("tbody", {}, rows))));
}
