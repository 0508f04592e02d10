// All heads of all layers as small pictures on one canvas: find one by what it does, pick it to see it large.

import { announce, h, isExpert, t } from "../dom.js";
import { told } from "./direction.js";
import { restingNames } from "./explain.js";
import { bytesOf, onTheme, percent, ramp } from "./ramp.js";

const GAP = 3;

export class Grid {
  constructor({ run, onpick }) {
    Object.assign(this, { run, onpick });
    this.kind = "";
    this.sorted = false;
    this.selected = null;
    this.pointed = 0;
    this.canvas = h("canvas", { class: "look-atlas", "aria-hidden": "true" });
    this.mark = h("div", { class: "look-mark chosen", hidden: true });
    this.point = h("div", { class: "look-mark", hidden: true });
    this.labels = h("div", { class: "look-rows", "aria-hidden": "true" });
    this.stage = h("div", { class: "look-stage", tabindex: "0", role: "application", "aria-label": t("look_grid_label") }, this.canvas, this.mark, this.point);
    this.line = h("p", { class: "look-grid-line" }, t("look_grid_wait"));
    this.kinds = h("div", { class: "look-kinds", role: "radiogroup", "aria-label": t("look_kinds") });
    this.order = h("input", { type: "checkbox", role: "switch" });
    this.order.addEventListener("change", () => { this.sorted = this.order.checked; this.draw(); });
    this.tools = h("div", { class: "look-kinds-row" }, this.kinds, h("label", { class: "look-switch" }, this.order, h("span", {}, t("look_sorted"))));
    this.element = h("div", { class: "look-grid" }, this.line, h("div", { class: "look-board" }, this.labels, this.stage));
    this.stage.addEventListener("pointermove", (event) => this.hover(event));
    this.stage.addEventListener("pointerleave", () => { this.point.hidden = true; this.tell(this.selected); });
    this.stage.addEventListener("click", (event) => { const cell = this.cellAt(event); if (cell !== null) this.pick(cell); });
    this.stage.addEventListener("keydown", (event) => this.walk(event));
    onTheme(() => this.atlas && this.draw());
    new ResizeObserver(() => this.place()).observe(this.stage);
  }

  // Pictures and labels have come: [{label, share...}] in order of layers, then heads.
  show({ size, thumbnails, heads }) {
    Object.assign(this, { size, heads, atlas: bytesOf(thumbnails) });
    this.drawKinds();
    this.draw();
  }

  select(layer, head) {
    this.selected = layer === null || head === null ? null : layer * this.run.heads + head;
    this.place();
    this.tell(this.selected);
  }

  labelOf(layer, head) { return this.heads?.[layer * this.run.heads + head]?.label; }

  drawKinds() {
    const counts = new Map();
    for (const { label } of this.heads) counts.set(label, (counts.get(label) ?? 0) + 1);
    const rows = [["", this.heads.length], ...[...counts].sort((a, b) => b[1] - a[1])];
    this.kinds.replaceChildren(...rows.map(([label, count]) => h("button", { type: "button", role: "radio", class: "look-kind", "data-tip": told(this.run, `look_kind_${label || "any"}_short`),
      "aria-checked": String(label === this.kind), onclick: () => { this.kind = label; this.drawKinds(); this.draw(); } },
    h("span", {}, told(this.run, `look_kind_${label || "any"}`)), h("span", { class: "share" }, String(count)))));
  }

  // The heads in the order of the board, and how many stand in a row of it.
  arrange() {
    const all = this.heads.map((_, index) => index);
    this.columns = this.run.heads;
    this.cells = all;
    if (!this.sorted) return;
    const kept = this.kind ? all.filter((index) => this.heads[index].label === this.kind) : all;
    this.cells = kept.sort((a, b) => this.heads[b].strength - this.heads[a].strength);
  }

  draw() {
    if (!this.atlas) return;
    this.arrange();
    const { size, columns } = this;
    const pitch = size + GAP;
    const rows = Math.max(1, Math.ceil(this.cells.length / columns));
    const picture = new ImageData(columns * pitch - GAP, rows * pitch - GAP);
    const pixels = new Uint32Array(picture.data.buffer);
    const colours = ramp();
    this.cells.forEach((head, place) => {
      const faint = !this.sorted && this.kind && this.heads[head].label !== this.kind;
      const left = (place % columns) * pitch;
      const top = Math.floor(place / columns) * pitch;
      for (let y = 0; y < size; y += 1) {
        let from = head * size * size + y * size;
        let to = (top + y) * picture.width + left;
        for (let x = 0; x < size; x += 1, from += 1, to += 1) {
          const pixel = colours[this.atlas[from]];
          pixels[to] = faint ? (pixel & 0x00ffffff) | (36 << 24) : pixel;
        }
      }
    });
    this.canvas.width = picture.width;
    this.canvas.height = picture.height;
    this.canvas.style.aspectRatio = `${picture.width} / ${picture.height}`;
    this.canvas.style.width = `min(100%, ${picture.width * (columns > 12 ? 1 : columns > 6 ? 1.12 : 2)}px)`;
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
    this.labels.replaceChildren(...(this.sorted ? [] : Array.from({ length: rows }, (_, row) => h("span", {}, String(row + 1)))));
    this.place();
  }

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const pitch = (box.width + GAP * (box.width / this.canvas.width)) / this.columns;
    const column = Math.floor((event.clientX - box.left) / pitch);
    const row = Math.floor((event.clientY - box.top) / pitch);
    const place = row * this.columns + column;
    return column >= 0 && column < this.columns && row >= 0 && place < (this.cells?.length ?? 0) ? place : null;
  }

  // Puts a frame around a place of the board.
  frame(node, place) {
    node.hidden = place === null || place < 0 || !this.columns;
    if (node.hidden) return;
    const scale = this.canvas.clientWidth / this.canvas.width;
    const pitch = (this.size + GAP) * scale;
    node.style.transform = `translate(${(place % this.columns) * pitch}px, ${Math.floor(place / this.columns) * pitch}px)`;
    node.style.width = node.style.height = `${this.size * scale}px`;
  }

  place() {
    this.labels.style.height = `${this.canvas.clientHeight}px`;
    this.canvas.style.imageRendering = this.canvas.clientWidth < this.canvas.width ? "auto" : "pixelated";
    this.frame(this.mark, this.selected === null || !this.cells ? null : this.cells.indexOf(this.selected));
  }

  hover(event) {
    if (!this.cells || event.pointerType === "touch") return;
    const place = this.cellAt(event);
    this.frame(this.point, place);
    this.tell(place === null ? this.selected : this.cells[place]);
    if (place !== null) this.pointed = place;
  }

  walk(event) {
    if (!this.cells) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.pick(this.pointed); return; }
    if (!step) return;
    event.preventDefault();
    this.pointed = Math.max(0, Math.min(this.cells.length - 1, this.pointed + step));
    this.frame(this.point, this.pointed);
    this.tell(this.cells[this.pointed]);
    announce(this.line.textContent);
  }

  pick(place) {
    this.pointed = place;
    const head = this.cells[place];
    this.onpick(Math.floor(head / this.run.heads), head % this.run.heads);
  }

  tell(index) {
    if (index === null || index === undefined || !this.heads) { this.line.textContent = t("look_grid_hint"); return; }
    const { label, sink } = this.heads[index];
    const [layer, head] = [Math.floor(index / this.run.heads), index % this.run.heads];
    const parts = [t("look_grid_line", { layer: layer + 1, head: head + 1 }), told(this.run, `look_kind_${label}`)];
    if (this.run.resting.length) parts.push(this.run.model_id ? t("look_rest_share", { share: percent(sink), names: restingNames(this.run) }) : t("look_sink_share", { share: percent(sink) }));
    if (isExpert()) parts.push(`L${layer}H${head}`);
    this.line.textContent = parts.join(" · ");
  }
}
