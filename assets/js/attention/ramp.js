// From weights to colours: what the server packs into bytes, and the one warm ramp of the page.

export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

export const floatsOf = (base64) => new Float32Array(bytesOf(base64).buffer);

// A byte holds the square root of a weight, so that small weights keep their differences.
const WEIGHTS = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255) ** 2);
export const weightOf = (byte) => WEIGHTS[byte];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim().split(/\s+/).map(Number);

// 256 colours as pixels (little-endian RGBA): paper, orange in the middle, the strongest colour at the end.
export function ramp() {
  const [first, middle, last] = ["--warm-0", "--warm-1", "--warm-2"].map(colour);
  const pixels = new Uint32Array(256);
  for (let step = 0; step < 256; step += 1) {
    const [from, to, part] = step < 160 ? [first, middle, step / 160] : [middle, last, (step - 160) / 95];
    const [red, green, blue] = from.map((value, index) => Math.round(value + (to[index] - value) * part));
    pixels[step] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  return pixels;
}

// Both the theme of the page and that of the system end as a class of the root element.
export function onTheme(listener) {
  new MutationObserver(listener).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
}

export function percent(weight, digits = 0) {
  const share = weight * 100;
  if (share > 0 && share < 10 ** -digits / 2) return `<${(10 ** -digits).toFixed(digits)} %`;
  return `${share.toFixed(digits)} %`;
}

// A token as something to read: blanks and line ends would be invisible alone.
export const visible = (text) => {
  const plain = text.trim();
  if (plain) return plain.replace(/\s+/g, " ");
  return text === "" ? "∅" : text.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/ /g, "␣");
};

// A number of a vector or a score; null is none.
export const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(Math.abs(value) >= 100 ? 1 : 2).replace("-", "−"));
