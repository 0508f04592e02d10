// The view as a file: pictures of the text or the map, and the numbers behind them. The server makes the file, the page
// hands it to the browser; a PNG is drawn here from the server's SVG.

import { h, popover, saveFile, t, toast } from "../dom.js";
import { bytesOf } from "./ramp.js";

const FORMS = ["png", "svg", "csv", "npz", "json"];
const LARGEST_SIDE = 8000;
const SHARPNESS = 2;
const PIECE = 1 << 20; // characters of base64, a multiple of 4
let chosen = "text";

export function saveMenu(anchor, { server, views }) {
  const parts = h("div", { class: "segments", role: "radiogroup", "aria-label": t("save_what") });
  const draw = () => parts.replaceChildren(...["text", "map"].map((what) => h("button", { type: "button", role: "radio", "aria-checked": String(what === chosen),
    onclick: () => { chosen = what; draw(); } }, t(`save_${what}`))));
  draw();
  const rows = FORMS.map((form) => h("button", { type: "button", class: "save-form", onclick: () => { open.dismiss(); save(server, views, form); } },
    h("strong", {}, t(`save_${form}`)), h("span", {}, t(`save_${form}_about`))));
  const open = popover(anchor, h("div", { class: "look-save" }, h("h3", {}, t("save_title")), parts, rows), { label: t("save_title"), className: "panel", align: "end" });
}

async function save(server, views, form) {
  const wait = toast(t("save_wait"), { seconds: 600 });
  try {
    const file = await server.save_view({ run: views.run.id, what: chosen, format: form === "png" ? "svg" : form, ...views.saved(chosen) });
    if (file.error) { toast(file.error, { seconds: 15 }); return; }
    const name = form === "png" ? file.name.replace(/svg$/, "png") : file.name;
    saveFile(name, await contentOf(file, form), form === "png" ? "image/png" : file.type);
  } catch {
    toast(t("save_failed"), { seconds: 15 });
  } finally {
    wait.remove();
  }
}

async function contentOf(file, form) {
  if (form === "png") return pictureOf(file.text);
  return file.base64 === undefined ? file.text : new Blob(await piecesOf(file.base64));
}

// Tens of megabytes are worked on in pieces, with a rest for the page between them.
async function piecesOf(base64) {
  const pieces = [];
  for (let start = 0; start < base64.length; start += PIECE) {
    pieces.push(bytesOf(base64.slice(start, start + PIECE)));
    await new Promise((go) => setTimeout(go));
  }
  return pieces;
}

async function pictureOf(svg) {
  // Nobody points at a picture; with thousands of titles a browser takes ten times as long to lay one out.
  const still = svg.replace(/<title>[^<]*<\/title>/g, "");
  const url = URL.createObjectURL(new Blob([still], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const scale = Math.min(SHARPNESS, LARGEST_SIDE / Math.max(image.width, image.height));
    const canvas = h("canvas", { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("this picture is too large");
    return blob;
  } finally {
    URL.revokeObjectURL(url);
  }
}
