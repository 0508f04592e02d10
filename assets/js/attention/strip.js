// Numbers as a row of small bars around a line: above zero upwards in warm, below zero downwards in the accent.

import { h } from "../dom.js";
import { figure } from "./ramp.js";

export class Strip {
  constructor(label, values) {
    this.values = values.map((value) => value ?? 0);
    this.largest = Math.max(...this.values.map(Math.abs)) || 1;
    this.canvas = h("canvas", { class: "strip", role: "img", "aria-label": label });
    this.element = h("div", { class: "strip-row" }, h("span", { class: "strip-name" }, label), this.canvas,
      h("span", { class: "strip-most" }, `±${figure(this.largest)}`));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  draw() {
    const scale = devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width) return;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    const pen = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    pen.scale(scale, scale);
    const pitch = width / this.values.length;
    const bar = Math.max(pitch - (pitch > 4 ? 1 : 0), 0.75);
    const middle = height / 2;
    this.values.forEach((value, index) => {
      const length = (Math.abs(value) / this.largest) * (middle - 1);
      pen.fillStyle = value < 0 ? style.getPropertyValue("--accent") : `rgb(${style.getPropertyValue("--warm-1")})`;
      pen.fillRect(index * pitch, value < 0 ? middle : middle - length, bar, length);
    });
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(0, middle - 0.5, width, 1);
  }
}
