// How columns, states and counts read in the visitor's language.

import { number, t } from "../dom.js";

const PRESET_COLUMNS = {
  people: "ex_col_people", places: "ex_col_places", dates: "ex_col_dates", amounts: "ex_col_amounts", "e-mail": "ex_col_email", phone: "ex_col_phone", web: "ex_col_web",
  person: "ex_col_person", role: "ex_col_role", place: "ex_col_place", what: "ex_col_what", date: "ex_col_date", amount: "ex_col_amount", "what for": "ex_col_what_for", name: "ex_col_name", address: "ex_col_address",
};
const RULE_TYPES = ["email", "phone", "link", "sentence"];

// The name over a column: a preset's in the visitor's language, one's own as it is.
export const columnName = (field, isPreset) => (isPreset && PRESET_COLUMNS[field.name] ? t(PRESET_COLUMNS[field.name]) : field.name);

export const byRule = (field) => field.every || RULE_TYPES.includes(field.type);

export const UNSURE = 0.5;

// "sure", "fairly sure", "not sure": a probability of 0.61 says little to most people.
export const sureness = (sure) => t(sure >= 0.8 ? "ex_sure" : sure >= UNSURE ? "ex_fairly" : "ex_unsure");

// What a choice of the app's own says in the visitor's language: "yes", "no".
export function shownValue(field, text) {
  if (field.type !== "yes_no") return text;
  return text === "yes" ? t("ex_yes") : text === "no" ? t("ex_no") : text;
}

export function progressLine(view) {
  if (view.stopping) return t("ex_stopping");
  if (view.phase === "opening") return t("ex_opening", { detail: view.detail ?? "" });
  if (view.phase === "waiting") return t("ex_waiting", { ahead: number.format(view.ahead) });
  if (view.phase === "reading" && view.to_read) return t("ex_reading", { read: number.format(view.read), total: number.format(view.to_read) });
  if (view.phase === "looking" && view.total) return t("ex_looking", { done: number.format(view.done), total: number.format(view.total) });
  return t("ex_starting");
}

export function endLine(table) {
  const values = table.rows.flat(2).length;
  const count = table.schema.rows ? t(table.rows.length === 1 ? "ex_rows_one" : "ex_rows", { rows: number.format(table.rows.length) }) : t(values === 1 ? "ex_values_one" : "ex_values", { values: number.format(values) });
  const seconds = number.format(table.seconds < 10 ? Math.round(table.seconds * 10) / 10 : Math.round(table.seconds));
  const how = table.model ? t("ex_done", { model: table.model, seconds }) : t("ex_done_rules");
  return [count, table.cancelled ? t("ex_stopped") : how, table.more ? t("ex_more_rows") : ""].filter(Boolean).join(" · ");
}

export const namesOf = (table) => table.schema.fields.map((field) => columnName(field, Boolean(table.preset)));

// The table as lines with tabs, as spreadsheets take it.
export function asLines(table) {
  const { fields, rows } = table.schema;
  const cell = (values, column) => values.map((value) => shownValue(fields[column], value.text)).join("; ");
  const names = namesOf(table);
  if (!rows) return fields.map((_, column) => `${names[column]}\t${cell(table.rows[0]?.[column] ?? [], column)}`).join("\n");
  return [names, ...table.rows.map((row) => row.map(cell))].map((line) => line.join("\t")).join("\n");
}
