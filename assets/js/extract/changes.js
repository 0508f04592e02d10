// Changes by hand: a value, a row, and what was before. The server looks up in the text what is new.

import { announce, button, t, toast } from "../dom.js";
import { openCard } from "./card.js";
import { columnName } from "./words.js";

const textsOf = (run) => run.rows.map((row) => row.map((cell) => cell.map((value) => value.text)));

export class Changes {
  // `onchange(run, place)` gets the table as it is then, `onshow(span)` a place in the text that somebody wants to see.
  constructor({ server, onchange, onshow, onrefuse }) {
    Object.assign(this, { server, onchange, onshow, onrefuse });
    this.undoButton = button(t("undo"), { iconName: "retry", text: true, disabled: true, onclick: () => this.undo() });
  }

  begin(run) {
    this.run = run;
    this.before = [];
    this.undoButton.disabled = true;
  }

  open(place, anchor) {
    const value = this.run.rows[place.row][place.column][place.index] ?? null;
    this.card(anchor, place.column, value, (text) => this.put(place, value, text));
  }

  card(anchor, column, value, onsave) {
    const field = this.run.schema.fields[column];
    openCard({ anchor, value, field, name: columnName(field, Boolean(this.run.preset)), model: this.run.model, onsave, onshow: this.onshow });
  }

  put({ row, column, index }, value, text) {
    if (text === (value?.text ?? "")) return;
    this.edit((rows) => {
      const cell = rows[row][column];
      if (index < 0) cell.push(text);
      else if (text) cell[index] = text;
      else cell.splice(index, 1);
    }, { saying: value && !text ? t("ex_value_removed") : "", place: { row, column, index } });
  }

  addRow(anchor) {
    const add = (text) => this.edit((rows) => rows.push(this.run.schema.fields.map((_, column) => (column ? [] : [text]))), { place: { row: this.run.rows.length, column: 0, index: 0 } });
    this.card(anchor, 0, null, (text) => { if (text) add(text); });
  }

  removeRow(row) { this.edit((rows) => rows.splice(row, 1), { saying: t("ex_row_removed"), place: { row: Math.max(0, row - 1), column: 0, index: 0 } }); }

  async edit(change, { saying = "", place = null } = {}) {
    const before = textsOf(this.run);
    const rows = textsOf(this.run);
    change(rows);
    if (!(await this.send(rows, place))) return;
    this.before.push(before);
    this.undoButton.disabled = false;
    if (saying) toast(saying, { action: t("undo"), onaction: () => this.undo() });
  }

  async undo() {
    if (!this.before?.length) return;
    if (!(await this.send(this.before[this.before.length - 1], null))) return;
    this.before.pop();
    this.undoButton.disabled = !this.before.length;
    announce(t("ex_undone"));
  }

  async send(rows, place) {
    const { id } = this.run;
    const run = await this.server.change_table({ run: id, rows });
    if (this.run.id !== id) return false;
    if (run.error) { this.onrefuse(run.error); return false; }
    this.run = run;
    this.onchange(run, place);
    return true;
  }
}
