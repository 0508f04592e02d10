// One map of weights: who reads (rows) from whom (columns). Zoom asks the server for the piece that is seen.

import { button, h, t } from "../dom.js";
import { told } from "./direction.js";
import { bytesOf, onTheme, percent, ramp, visible, weightOf } from "./ramp.js";

const MARGIN = 76;
const LABEL_PIXELS = 13;
const SMALLEST_SPAN = 8;

export class Heatmap {
  constructor({ run, server, rows, onproblem }) {
    Object.assign(this, { run, server, rows, onproblem });
    this.size = run.tokens.length;
    this.seen = { top: 0, left: 0, span: this.size };
    this.canvas = h("canvas", { class: "look-map", tabindex: "0", role: "img", "aria-label": t("look_map_label") });
    this.cross = h("div", { class: "look-cross", hidden: true });
    this.title = h("h3", {});
    this.about = h("p", { class: "hint" });
    this.line = h("p", { class: "look-said" }, t("look_map_hint"));
    this.closer = button(t("look_zoom_in"), { iconName: "plus", onclick: () => this.zoom(0.5) });
    this.wider = button(t("look_zoom_out"), { iconName: "minus", onclick: () => this.zoom(2) });
    this.top = h("table", { class: "look-table" });
    this.table = h("details", { ontoggle: () => this.loadStrongest() }, h("summary", {}, t("look_strongest")), this.top);
    this.element = h("div", { class: "look-heatmap" }, this.title, this.line,
      h("div", { class: "look-map-frame" }, this.canvas, this.cross),
      h("div", { class: "row look-map-tools" }, this.closer, this.wider,
        h("span", { class: "look-legend" }, "0", h("span", { class: "ramp map", "aria-hidden": "true" }), "100 %")),
      this.about, this.table);
    this.wire();
    onTheme(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentNode ?? this.canvas);
  }

  wire() {
    this.canvas.addEventListener("pointermove", (event) => (this.grab ? this.drag(event) : this.hover(event)));
    this.canvas.addEventListener("pointerleave", () => { this.cross.hidden = true; this.line.textContent = t("look_map_hint"); });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.hover(event);
      if (this.seen.span === this.size) return;
      this.grab = { x: event.clientX, y: event.clientY, ...this.seen };
      this.canvas.setPointerCapture(event.pointerId);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, () => { if (this.grab) { this.grab = null; this.load(); } });
    }
    this.canvas.addEventListener("dblclick", (event) => this.zoom(0.5, this.placeOf(event)));
    this.canvas.addEventListener("keydown", (event) => this.walk(event));
  }

  async setChoice(choice, title) {
    this.title.textContent = title;
    this.choice = { ...choice, words: false };
    await this.load();
    this.loadStrongest();
  }

  region() {
    const { top, left, span } = this.seen;
    return { top, left, bottom: Math.min(this.size, top + span), right: Math.min(this.size, left + span) };
  }

  async load() {
    if (!this.choice) return;
    const asked = (this.asked = JSON.stringify([this.choice, this.seen]));
    const region = this.region();
    const answer = await this.server.tile({ run: this.run.id, ...this.choice, ...region });
    if (asked !== this.asked) return;
    if (answer.error) { this.onproblem(answer.error); return; }
    this.tile = { ...answer, region, bytes: bytesOf(answer.data) };
    const size = Math.ceil((region.right - region.left) / answer.width);
    this.about.textContent = [told(this.run, "look_explain_map"), this.choice.value_weighted && t("look_values_map"),
      size > 1 && t(this.choice.pool === "max" ? "look_pooled_max" : "look_pooled_mean", { size }), answer.sampled && t("look_sampled")].filter(Boolean).join(" ");
    this.canvas.style.touchAction = this.seen.span < this.size ? "none" : "pan-y"; // a finger moves the map or the page
    this.closer.disabled = this.seen.span <= Math.min(SMALLEST_SPAN, this.size);
    this.wider.disabled = this.seen.span >= this.size;
    this.draw();
  }

  async loadStrongest() {
    const choice = this.choice;
    if (!this.table.open || !choice) return;
    const answer = await this.server.strongest_pairs({ run: this.run.id, ...choice });
    if (choice !== this.choice || answer.error) return;
    this.top.replaceChildren(h("thead", {}, h("tr", {}, h("th", {}, t("look_reader")), h("th", {}, t("look_read")), h("th", {}, t("look_weight")))),
      h("tbody", {}, answer.pairs.map(([query, key, weight]) => h("tr", {}, h("td", {}, this.named(query)), h("td", {}, this.named(key)), h("td", {}, percent(weight, 1))))));
  }

  named(index) { return `${visible(this.run.tokens[index])} (${index + 1})`; }

  zoom(factor, centre) {
    const span = Math.max(Math.min(SMALLEST_SPAN, this.size), Math.min(this.size, Math.round(this.seen.span * factor)));
    const [row, column] = centre ?? [this.seen.top + this.seen.span / 2, this.seen.left + this.seen.span / 2];
    this.move(Math.round(row - span / 2), Math.round(column - span / 2), span);
    this.load();
  }

  move(top, left, span = this.seen.span) {
    const kept = (value) => Math.max(0, Math.min(this.size - span, value));
    this.seen = { top: kept(top), left: kept(left), span };
    this.draw();
  }

  drag(event) {
    this.cross.hidden = true;
    const tokens = this.grab.span / this.side;
    this.move(Math.round(this.grab.top - (event.clientY - this.grab.y) * tokens), Math.round(this.grab.left - (event.clientX - this.grab.x) * tokens));
  }

  walk(event) {
    const step = Math.max(1, Math.round(this.seen.span / 8));
    const [down, right] = { ArrowDown: [step, 0], ArrowUp: [-step, 0], ArrowRight: [0, step], ArrowLeft: [0, -step] }[event.key] ?? [0, 0];
    if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? 0.5 : 2);
    else if (down || right) { this.move(this.seen.top + down, this.seen.left + right); this.load(); } else return;
    event.preventDefault();
  }

  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = this.seen.left + ((event.clientX - box.left - MARGIN) / this.side) * this.seen.span;
    const row = this.seen.top + ((event.clientY - box.top - MARGIN) / this.side) * this.seen.span;
    return [row, column].map((value) => Math.floor(value));
  }

  async hover(event) {
    if (!this.tile) return;
    const [query, key] = this.placeOf(event);
    const { region } = this.tile;
    const inside = query >= region.top && key >= region.left && query < region.bottom && key < region.right;
    this.cross.hidden = !inside;
    if (!inside) { this.line.textContent = t("look_map_hint"); return; }
    const cell = this.side / this.seen.span;
    this.cross.style.transform = `translate(${MARGIN + (key - this.seen.left) * cell}px, ${MARGIN + (query - this.seen.top) * cell}px)`;
    this.cross.style.width = this.cross.style.height = `${Math.max(3, cell)}px`;
    this.pointed = `${query}/${key}`;
    this.tell(query, key, weightOf(this.byteAt(query, key)), 0);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const row = await this.rows.exactRow(this.choice, query);
      if (row && this.pointed === `${query}/${key}`) this.tell(query, key, row[key], 2);
    }, 60);
  }

  byteAt(query, key) {
    const { region, width, height, bytes } = this.tile;
    const y = Math.floor(((query - region.top) * height) / (region.bottom - region.top));
    const x = Math.floor(((key - region.left) * width) / (region.right - region.left));
    return bytes[y * width + x];
  }

  tell(query, key, weight, digits) {
    const sentence = t(key > query && !weight && !this.run.both_ways ? "look_map_later" : this.choice.value_weighted ? "look_told_taken" : "look_map_told", { percent: percent(weight, digits) });
    const words = [this.named(query), this.named(key)];
    this.line.replaceChildren(...sentence.split("‹›").flatMap((part, index) => (index ? [h("b", {}, words[index - 1]), part] : [part])));
  }

  draw() {
    const width = this.canvas.parentNode?.clientWidth;
    if (!width || !this.tile) return;
    const scale = devicePixelRatio || 1;
    this.side = Math.max(120, Math.min(width, 600) - MARGIN - 4);
    const full = this.side + MARGIN + 4;
    Object.assign(this.canvas, { width: Math.round(full * scale), height: Math.round(full * scale) });
    Object.assign(this.canvas.style, { width: `${full}px`, height: `${full}px` });
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    this.paint(pen);
    this.label(pen);
  }

  paint(pen) {
    const { width, height, bytes, region } = this.tile;
    const picture = new ImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    const colours = ramp();
    bytes.forEach((byte, index) => { pixels[index] = colours[byte]; });
    const piece = new OffscreenCanvas(width, height);
    piece.getContext("2d").putImageData(picture, 0, 0);
    const cell = this.side / this.seen.span;
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN, MARGIN, this.side, this.side);
    pen.clip();
    pen.imageSmoothingEnabled = false;
    pen.drawImage(piece, MARGIN + (region.left - this.seen.left) * cell, MARGIN + (region.top - this.seen.top) * cell,
      (region.right - region.left) * cell, (region.bottom - region.top) * cell);
    pen.restore();
    pen.strokeStyle = getComputedStyle(this.canvas).borderTopColor;
    pen.strokeRect(MARGIN + 0.5, MARGIN + 0.5, this.side - 1, this.side - 1);
  }

  label(pen) {
    const style = getComputedStyle(this.canvas);
    const cell = this.side / this.seen.span;
    pen.fillStyle = style.color;
    pen.textBaseline = "middle";
    const every = Math.ceil(LABEL_PIXELS / cell);
    pen.font = `12px ${style.fontFamily}`;
    for (let step = 0; step < this.seen.span; step += every) {
      const at = MARGIN + (step + 0.5) * cell;
      pen.textAlign = "right";
      pen.fillText(shortened(this.run.tokens[this.seen.top + step]), MARGIN - 6, at);
      pen.save();
      pen.translate(at, MARGIN - 6);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "left";
      pen.fillText(shortened(this.run.tokens[this.seen.left + step]), 0, 0);
      pen.restore();
    }
    pen.font = `600 12.5px ${style.fontFamily}`;
    pen.textAlign = "left";
    pen.fillText(`${t("look_axis_read")} →`, MARGIN, 8);
    pen.save();
    pen.translate(8, MARGIN);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "right";
    pen.fillText(`← ${t("look_axis_reads")}`, 0, 0);
    pen.restore();
  }
}

const shortened = (token) => { const word = visible(token); return word.length > 9 ? `${word.slice(0, 8)}…` : word; };
