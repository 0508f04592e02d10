// Rows of weights of one run, fetched in blocks and kept: pointing at a word must not wait for the server.

import { bytesOf, floatsOf, weightOf } from "./ramp.js";

const MOST_BLOCKS = 24;
const MOST_EXACT = 200;

const keyOf = (choice) => [choice.layer, choice.head, choice.hide_first, choice.words].join("/");

export class Rows {
  constructor({ server, run, onproblem }) {
    Object.assign(this, { server, run, onproblem });
    this.blocks = new Map();
    this.exact = new Map();
  }

  units(choice) { return choice.words ? this.run.words.length : this.run.tokens.length; }

  blockSize(choice) { return Math.max(16, Math.floor(this.run.block_cells / this.units(choice))); }

  blockOf(choice, unit) {
    const size = this.blockSize(choice);
    return Math.floor(unit / size) * size;
  }

  // The blocks before and behind that of a unit, so that a pointer that wanders on finds them here.
  async prefetch(choice, unit) {
    for (const near of [unit + this.blockSize(choice), unit - this.blockSize(choice)]) {
      if (near >= 0 && near < this.units(choice)) await this.fetch(choice, near);
    }
  }

  // The row of one unit if it is here: weights by unit as they were packed, each right to 0.4 %.
  row(choice, unit) {
    const first = this.blockOf(choice, unit);
    const block = this.blocks.get(`${keyOf(choice)}:${first}`);
    if (!block?.bytes || unit - first >= block.count) return null;
    const start = (unit - first) * block.width;
    return Float32Array.from(block.bytes.subarray(start, start + block.width), weightOf);
  }

  async fetch(choice, unit) {
    const first = this.blockOf(choice, unit);
    const key = `${keyOf(choice)}:${first}`;
    const known = this.blocks.get(key);
    if (known) { this.blocks.delete(key); this.blocks.set(key, known); await known.arriving; return this.row(choice, unit); }
    const block = {};
    this.blocks.set(key, block);
    block.arriving = this.server.rows({ run: this.run.id, ...choice, first }).then((answer) => {
      if (answer.error) { this.blocks.delete(key); this.onproblem(answer.error); return; }
      Object.assign(block, { count: answer.count, width: answer.width, bytes: bytesOf(answer.data) });
    });
    if (this.blocks.size > MOST_BLOCKS) this.blocks.delete(this.blocks.keys().next().value);
    await block.arriving;
    return this.row(choice, unit);
  }

  // The row as soon as it can be had: alone it is computed sooner than with its whole block, which comes behind it.
  async soonest(choice, unit) {
    const pending = this.blocks.has(`${keyOf(choice)}:${this.blockOf(choice, unit)}`);
    const block = this.fetch(choice, unit);
    if (pending) return block;
    return (await Promise.race([this.exactRow(choice, unit), block])) ?? block;
  }

  // The same row with the numbers as they were computed.
  async exactRow(choice, unit) {
    const key = `${keyOf(choice)}:${unit}`;
    if (!this.exact.has(key)) {
      this.exact.set(key, this.server.exact_row({ run: this.run.id, ...choice, query: unit }));
      if (this.exact.size > MOST_EXACT) this.exact.delete(this.exact.keys().next().value);
    }
    const answer = await this.exact.get(key);
    if (!answer.error) return floatsOf(answer.data);
    this.exact.delete(key);
    return null;
  }
}

// The strongest places of a row, largest first.
export function strongest(row, most) {
  const places = [];
  for (let place = 0; place < row.length; place += 1) {
    if (row[place] <= 0 || (places.length === most && row[place] <= row[places[most - 1]])) continue;
    places.push(place);
    places.sort((a, b) => row[b] - row[a]);
    if (places.length > most) places.pop();
  }
  return places;
}
