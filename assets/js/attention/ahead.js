// Which rows are fetched before anybody points at them: what can be seen of the text first, then a screen to either
// side; and, while the pointer is in the text of a machine of one's own, the rest.

import { page } from "../dom.js";

const WAIT_MS = 80; // scrolling asks once

export class Ahead {
  constructor({ reading, frame, text }) {
    Object.assign(this, { reading, frame, text });
    frame.addEventListener("scroll", () => this.soon(), { passive: true });
    text.addEventListener("pointerenter", () => { this.busy = true; this.soon(); });
    text.addEventListener("pointerleave", () => { this.busy = false; this.soon(); });
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.plan(), WAIT_MS);
  }

  plan() {
    const { rows, choice, spans, wanted } = this.reading;
    if (!spans.length || !this.frame.clientHeight) return;
    const [first, last] = this.seen(spans);
    const screen = last - first;
    const middle = wanted >= first && wanted < last ? wanted : Math.floor((first + last) / 2);
    const around = (from, to) => Array.from({ length: to - from }, (_, index) => from + index).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    const near = around(Math.max(0, first - screen), Math.min(spans.length, last + screen));
    const inSight = (unit) => unit >= first && unit < last;
    rows.wish(choice, [...near.filter(inSight), ...near.filter((unit) => !inSight(unit))], this.busy && !page.shared ? around(0, spans.length) : []);
  }

  // [first, behind the last] of the units that can be seen; they stand in order of their lines.
  seen(spans) {
    const { scrollTop, clientHeight } = this.frame;
    const line = spans[0].offsetHeight || 1;
    const find = (height) => {
      let [low, high] = [0, spans.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (spans[middle].offsetTop < height) low = middle + 1; else high = middle;
      }
      return low;
    };
    return [find(scrollTop - line), Math.max(1, find(scrollTop + clientHeight))];
  }
}
