// The page's few primitives: elements, texts in the visitor's language, icons, a place to meet.
// Text reaches the page only through text nodes here; nothing in this file parses HTML from data.

export const page = window.playground; // {language, strings, shared, root} written into the page by the server

export function t(key, values = {}) {
  const text = page.strings[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const number = new Intl.NumberFormat(page.language);

export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || (name in node && typeof value !== "string")) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  menu: "M4 6h16M4 12h16M4 18h16",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 13l4 4L19 7",
  retry: "M4 12a8 8 0 1 1 2.3 5.6M4 19v-5h5",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  down: "M6 9l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pin: "M9 4h6l-1 6 4 4H6l4-4zM12 14v6",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  continue: "M5 5v14l8-7zM17 5v14",
  shade: "M4 7h7v4H4zM13 7h7v4h-7zM4 13h4v4H4zM10 13h10v4H10z",
  sliders: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  ghost: "M6 20V10a6 6 0 0 1 12 0v10l-3-2-3 2-3-2zM10 10h.01M14 10h.01",
  close: "M6 6l12 12M18 6L6 18",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1",
  terminal: "M4 5h16v14H4zM7 10l3 2-3 2M12 15h4",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 20c1-4 4-6 8-6s7 2 8 6",
  spark: "M12 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2z",
  keyboard: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  eye: "M3 12c3-5 6-7 9-7s6 2 9 7c-3 5-6 7-9 7s-6-2-9-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  link: "M10 14l4-4M8.5 12L6 14.5a3.2 3.2 0 0 0 4.5 4.5l2.5-2.5M11 7.5L13.5 5A3.2 3.2 0 0 1 18 9.5L15.5 12",
  swap: "M4 8h15M15 4l4 4-4 4M20 16H5M9 12l-4 4 4 4",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M11 5v14",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function button(label, { iconName, text = false, ...attributes } = {}) {
  const { class: extra, ...rest } = attributes;
  return h(
    "button",
    { type: "button", class: ["b", text ? "b-text" : "b-icon", extra].filter(Boolean).join(" "),
      "aria-label": label, title: text ? undefined : label, ...rest },
    iconName ? icon(iconName) : null,
    text ? h("span", {}, label) : null,
  );
}

// Modules of the page talk through events, so that none needs to know who listens.
const meeting = new EventTarget();
export const bus = {
  emit: (name, detail) => meeting.dispatchEvent(new CustomEvent(name, { detail })),
  on: (name, listener) => meeting.addEventListener(name, (event) => listener(event.detail)),
};

// Storage can be switched off in a browser; losing a preference must never break the page.
export const memory = {
  get(key) {
    try { return localStorage.getItem(`playground.${key}`); } catch { return null; }
  },
  set(key, value) {
    try {
      if (value === null || value === "") localStorage.removeItem(`playground.${key}`);
      else localStorage.setItem(`playground.${key}`, value);
    } catch { /* private window or full storage */ }
  },
};

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard needs https or loopback; a plain-http address falls back to a selection.
    const area = h("textarea", { value: text, style: "position:fixed;opacity:0" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function copyButton(label, text) {
  const node = button(label, { iconName: "copy", onclick: async () => {
    await copyText(typeof text === "function" ? text() : text);
    node.replaceChildren(icon("check"));
    announce(t("copied"));
    setTimeout(() => node.replaceChildren(icon("copy")), 1500);
  } });
  return node;
}

// `content` is a text or a Blob.
export function saveFile(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// What floats above the page hangs here, so that one set of styles reaches it.
export const overlay = h("div", { id: "overlay" });
document.body.append(overlay);

// One polite live region: a screen reader hears results, never each token.
let region;
export function announce(text) {
  if (!region) {
    region = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
    overlay.append(region);
  }
  region.textContent = text;
}

// Short notes under the top bar, three at most: an Undo must not vanish because something else was said. The time
// stands still while somebody points at a note or has the focus in it.
const toasts = h("div", { class: "toasts" });
overlay.append(toasts);

export function toast(text, { action, onaction, seconds = 8 } = {}) {
  const node = h("div", { class: "toast", role: "status" }, h("span", {}, text));
  if (action) node.append(h("button", { type: "button", class: "toast-action", onclick: () => { node.remove(); onaction(); } }, action));
  node.append(button(t("close"), { iconName: "close", onclick: () => node.remove() }));
  let timer;
  const start = () => { clearTimeout(timer); timer = setTimeout(() => node.remove(), seconds * 1000); };
  for (const event of ["pointerenter", "focusin"]) node.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) node.addEventListener(event, start);
  toasts.append(node);
  if (toasts.children.length > 3) toasts.firstChild.remove();
  start();
  return node;
}

// An input method (Chinese, Japanese) uses Enter and Escape for its own list of words; Safari tells only by the code.
export const composing = (event) => event.isComposing || event.keyCode === 229;

// A small panel at a button: closes on Escape, on a click elsewhere, and gives the focus back.
export function popover(anchor, content, { label, className = "", align = "start", onclose } = {}) {
  document.querySelectorAll(".popover").forEach((open) => open.dispatchEvent(new Event("dismiss")));
  const panel = h("div", { class: `popover ${className}`, role: "dialog", "aria-label": label, tabindex: "-1" }, content);
  const dismiss = () => {
    if (!panel.isConnected) return;
    panel.remove();
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", onkey, true);
    window.removeEventListener("resize", place);
    anchor.setAttribute("aria-expanded", "false");
    anchor.focus({ preventScroll: true });
    onclose?.();
  };
  const outside = (event) => { if (!panel.contains(event.target) && !anchor.contains(event.target)) dismiss(); };
  const onkey = (event) => {
    if (event.key === "Escape") { event.stopPropagation(); dismiss(); }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const items = [...panel.querySelectorAll("button:not([disabled]), a[href]")];
    const next = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    items[(next + items.length) % items.length]?.focus();
    event.preventDefault();
  };
  const place = () => {
    const from = anchor.getBoundingClientRect();
    panel.style.maxHeight = "";
    const size = panel.getBoundingClientRect();
    const left = align === "end" ? from.right - size.width : from.left;
    const below = innerHeight - from.bottom - 16;
    const above = size.height > below && from.top > innerHeight - from.bottom;
    panel.style.maxHeight = `${Math.max(160, above ? from.top - 16 : below)}px`; // never over its own button
    panel.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
    panel.style.top = `${above ? Math.max(8, from.top - size.height - 8) : from.bottom + 8}px`;
  };
  panel.addEventListener("dismiss", dismiss);
  overlay.append(panel);
  anchor.setAttribute("aria-expanded", "true");
  place();
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", onkey, true);
  window.addEventListener("resize", place);
  (panel.querySelector("[autofocus], [aria-checked=true], button, input") ?? panel).focus({ preventScroll: true });
  return { panel, dismiss, place };
}

export function isExpert() {
  return document.documentElement.classList.contains("expert");
}

// Every call to the server names the visitor's language, so that an error comes back as a sentence they can read.
export const speaking = (server) => new Proxy(server, {
  get: (target, name) => async (data = {}) => {
    // Gradio gives nothing at all when the server cannot be reached.
    try { return (await target[name]({ ...data, language: page.language })) ?? { error: t("lost_call") }; } catch { return { error: t("lost_call") }; }
  },
});

// The beginning of a text in one line.
export function beginning(text, most = 70) {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > most ? `${line.slice(0, most).trimEnd()} …` : line;
}
