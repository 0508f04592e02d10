// A map whose rows and columns are two texts: the translation reads (rows) from the source (columns), weight by weight.

import { h, t } from "../dom.js";
import { onTheme, ramp, visible } from "./ramp.js";

const LEAST_CELL = 14;
const MOST_CELL = 44;
const LONGEST_LABEL = 14;
const FONT_PIXELS = 13;
const AXIS = 20; // room for the names of the axes
const LEAST_SIDE = 240; // and for their length

export class Matrix {
  // `onpoint(row, column)` is told where the pointer or the arrow keys are, `onpoint(null)` when they have left.
  constructor({ onpoint, onpick }) {
    Object.assign(this, { onpoint, onpick });
    this.at = null;
    this.canvas = h("canvas", { class: "look-map align-map", tabindex: "0", role: "img", "aria-label": t("align_map_label") });
    this.element = h("div", { class: "align-frame" }, this.canvas);
    this.canvas.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") this.point(this.cellAt(event)); });
    this.canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.point(null); });
    this.canvas.addEventListener("click", (event) => { const cell = this.cellAt(event); if (cell) { this.point(cell); this.onpick(...cell); } });
    this.canvas.addEventListener("keydown", (event) => this.walk(event));
    onTheme(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  show({ rows, columns, weights }) {
    Object.assign(this, { rows, columns, weights });
    this.at = null;
    this.draw();
  }

  weight(row, column) { return this.weights[row * this.columns.length + column]; }

  // Draws the cross without telling anybody: the words above were pointed at.
  mark(row, column) {
    this.at = row === null && column === null ? null : [row, column];
    this.draw();
  }

  point(cell) {
    if (String(cell) === String(this.at)) return;
    this.at = cell;
    this.draw();
    this.onpoint(...(cell ?? [null, null]));
  }

  walk(event) {
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
    if (event.key === "Escape" && this.at) { event.stopPropagation(); this.point(null); return; }
    if (!this.rows || (!down && !right)) return;
    event.preventDefault();
    const [row, column] = this.at ?? [-down, -right];
    const kept = (value, count) => Math.max(0, Math.min(count - 1, value));
    const cell = [kept((row ?? 0) + down, this.rows.length), kept((column ?? 0) + right, this.columns.length)];
    this.point(cell);
    this.onpick(...cell);
  }

  cellAt(event) {
    if (!this.rows) return null;
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - this.top) / this.cell);
    const column = Math.floor((event.clientX - box.left - this.left) / this.cell);
    return row >= 0 && column >= 0 && row < this.rows.length && column < this.columns.length ? [row, column] : null;
  }

  draw() {
    const room = this.element.clientWidth;
    if (!room || !this.rows) return;
    const pen = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    const font = `${FONT_PIXELS}px ${style.fontFamily}`;
    pen.font = font;
    const widest = (words) => Math.ceil(Math.max(...words.map((word) => pen.measureText(shortened(word)).width)));
    this.left = AXIS + 8 + widest(this.rows);
    this.top = AXIS + 8 + widest(this.columns);
    this.cell = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor((room - this.left - 2) / this.columns.length)));
    const width = Math.max(LEAST_SIDE, this.left + this.cell * this.columns.length + 2);
    const height = Math.max(LEAST_SIDE, this.top + this.cell * this.rows.length + 2);
    const scale = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    pen.scale(scale, scale);
    this.paint(pen, style);
    this.label(pen, style, font);
  }

  paint(pen, style) {
    const { rows, columns, cell, left, top } = this;
    const colours = ramp();
    for (let row = 0; row < rows.length; row += 1) {
      for (let column = 0; column < columns.length; column += 1) {
        const pixel = colours[Math.round(Math.sqrt(Math.min(1, this.weight(row, column))) * 255)];
        pen.fillStyle = `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
        pen.fillRect(left + column * cell, top + row * cell, cell - (cell > 20 ? 1 : 0), cell - (cell > 20 ? 1 : 0));
      }
    }
    pen.strokeStyle = style.borderTopColor;
    pen.strokeRect(left - 0.5, top - 0.5, columns.length * cell + 1, rows.length * cell + 1);
    if (!this.at) return;
    const [row, column] = this.at;
    pen.strokeStyle = style.getPropertyValue("--accent");
    pen.lineWidth = 2;
    if (row !== null) pen.strokeRect(left - 1, top + row * cell - 1, columns.length * cell + 1, cell + 1);
    if (column !== null) pen.strokeRect(left + column * cell - 1, top - 1, cell + 1, rows.length * cell + 1);
  }

  label(pen, style, font) {
    const { rows, columns, cell, left, top, at } = this;
    pen.textBaseline = "middle";
    pen.fillStyle = style.color;
    rows.forEach((word, row) => {
      pen.font = at?.[0] === row ? `650 ${font}` : font;
      pen.textAlign = "right";
      pen.fillText(shortened(word), left - 6, top + (row + 0.5) * cell);
    });
    columns.forEach((word, column) => {
      pen.font = at?.[1] === column ? `650 ${font}` : font;
      turned(pen, left + (column + 0.5) * cell, top - 6, () => { pen.textAlign = "left"; pen.fillText(shortened(word), 0, 0); });
    });
    pen.font = `600 12.5px ${style.fontFamily}`;
    pen.textAlign = "left";
    pen.fillText(`${t("align_axis_read")} →`, left, 8);
    turned(pen, 8, top, () => { pen.textAlign = "right"; pen.fillText(`← ${t("align_axis_reads")}`, 0, 0); });
  }
}

function turned(pen, x, y, write) {
  pen.save();
  pen.translate(x, y);
  pen.rotate(-Math.PI / 2);
  write();
  pen.restore();
}

const shortened = (text) => { const word = visible(text); return word.length > LONGEST_LABEL ? `${word.slice(0, LONGEST_LABEL - 1)}…` : word; };
