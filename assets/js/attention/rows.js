// Rows of weights of one run, fetched in blocks and kept: pointing at a word must not wait for the server.

import { bytesOf, floatsOf, weightOf } from "./ramp.js";

const MOST_BYTES = 32 << 20; // of all blocks; the longest unused are given up
const MOST_EXACT = 200;
const PAUSE = 2; // times as long as a block took, before the next one that nobody may ever point at

const keyOf = (choice) => JSON.stringify({ ...choice, pool: null }); // what a dot of the map shows changes no row

export class Rows {
  constructor({ server, run, onproblem }) {
    Object.assign(this, { server, run, onproblem });
    this.blocks = new Map(); // in order of use
    this.exact = new Map();
    this.bytes = 0;
    this.wishes = [];
    this.working = false;
  }

  units(choice) { return choice.words ? this.run.words.length : this.run.tokens.length; }

  blockSize(choice) { return Math.max(16, Math.floor(this.run.block_cells / this.units(choice))); }

  blockOf(choice, unit) {
    const size = this.blockSize(choice);
    return Math.floor(unit / size) * size;
  }

  nameOf(choice, unit) { return `${keyOf(choice)}:${this.blockOf(choice, unit)}`; }

  // The row of one unit if it is here: weights by unit as they were packed, each right to 0.4 %.
  row(choice, unit) {
    const name = this.nameOf(choice, unit);
    const block = this.blocks.get(name);
    const place = unit - this.blockOf(choice, unit);
    if (!block?.bytes || place >= block.count) return null;
    this.blocks.delete(name);
    this.blocks.set(name, block);
    const row = new Float32Array(block.units); // what the block leaves out comes later than all its rows
    const start = place * block.width;
    for (let index = 0; index < block.width; index += 1) row[index] = weightOf(block.bytes[start + index]);
    return row;
  }

  async fetch(choice, unit) {
    const name = this.nameOf(choice, unit);
    const known = this.blocks.get(name);
    if (known) { await known.arriving; return this.row(choice, unit); }
    const block = {};
    this.blocks.set(name, block);
    block.arriving = this.server.rows({ run: this.run.id, ...choice, first: this.blockOf(choice, unit) }).then((answer) => {
      if (answer.error) { this.blocks.delete(name); this.wishes = []; this.onproblem(answer.error); return; }
      Object.assign(block, { count: answer.count, width: answer.width, units: answer.units, bytes: bytesOf(answer.data) });
      this.bytes += block.bytes.length;
      this.shed(name);
    });
    await block.arriving;
    return this.row(choice, unit);
  }

  // Gives up the longest unused blocks, but not the one that has just come.
  shed(name) {
    for (const [old, block] of this.blocks) {
      if (this.bytes <= MOST_BYTES) return;
      if (!block.bytes || old === name) continue;
      this.blocks.delete(old);
      this.bytes -= block.bytes.length;
    }
  }

  // Units whose rows are to be here before anybody points at them, the most wanted first; `far` may wait. Blocks come one
  // at a time, so that a pointed row has its way; a newer wish takes the place of what is left of an older one.
  wish(choice, near, far = []) {
    const starts = (units) => [...new Set(units.map((unit) => this.blockOf(choice, unit)))];
    this.wishes = [...starts(near).map((first) => ({ choice, first })), ...starts(far).map((first) => ({ choice, first, far: true }))];
    this.wake?.();
    if (!this.working) this.work();
  }

  async work() {
    this.working = true;
    while (this.wishes.length) {
      const { choice, first, far } = this.wishes.shift();
      if (this.blocks.has(this.nameOf(choice, first)) || (far && this.bytes > MOST_BYTES / 2)) continue;
      await this.urgent; // a row that is waited for has the machine for itself
      const start = performance.now();
      await this.fetch(choice, first);
      if (far) await this.pause(PAUSE * (performance.now() - start));
    }
    this.working = false;
  }

  pause(milliseconds) { return new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, milliseconds); }); }

  // The row as soon as it can be had: alone it is computed sooner than with its whole block.
  async soonest(choice, unit) {
    const exact = (this.urgent = this.exactRow(choice, unit));
    const coming = this.blocks.get(this.nameOf(choice, unit));
    const row = await (coming ? Promise.race([exact, coming.arriving.then(() => this.row(choice, unit))]) : exact);
    return row ?? this.fetch(choice, unit);
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
