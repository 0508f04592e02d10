// Files on their way to the server and back, as base64: nothing of them is written to a disk on the way.

import { announce, saveFile, t } from "../dom.js";
import { nameOf } from "./languages.js";

const MOST_BYTES = 20 * 1024 * 1024;

// The content of a file, null where it is too large to be read.
function dataOf(file) {
  if (file.size > MOST_BYTES) return Promise.resolve(null);
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => resolve("");
    reader.readAsDataURL(file);
  });
}

const bytesOf = (data) => Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));

// A file that was picked or dropped takes the place of the text; one that cannot be read leaves it alone.
export async function openFile(tab, file) {
  if (tab.busy) return;
  tab.notices.say(t("tr_file_reading", { name: file.name }));
  const data = await dataOf(file);
  const answer = data === null ? { error: t("tr_file_large") } : await tab.server.open_file({ name: file.name, data });
  tab.notices.clear();
  if (answer.error) { tab.notices.refuse(answer.error); return; }
  tab.forget();
  tab.source.show(answer);
  tab.languages.from.value = "";
  tab.languages.heard({ guess: answer.guess, doubtful: answer.doubtful, target: answer.target });
  tab.models.update();
  announce(t("tr_file_opened", { name: answer.name }));
  tab.source.go.focus();
}

// The translated file, in its own format.
export async function download(tab) {
  const answer = await tab.server.download({ run: tab.run.id });
  if (answer.error) tab.notices.refuse(answer.error);
  else saveFile(answer.name, bytesOf(answer.data), answer.type);
}

// Sentence beside sentence, for a spreadsheet or a translation memory. What a spreadsheet would take for a formula is text.
export function savePairs(run) {
  const cell = (text) => { const line = text.replace(/\s+/g, " ").trim(); return /^[=+@-]/.test(line) ? `'${line}` : line; };
  const rows = [[nameOf(run.source), nameOf(run.target)], ...run.sources.map((text, index) => [text, run.sentences[index]?.text ?? ""])];
  const table = rows.map((row) => row.map(cell).join("\t")).join("\r\n");
  saveFile(`${(run.document || t("tr_result")).replace(/\.\w+$/, "")}.${run.target}.tsv`, `\ufeff${table}\r\n`, "text/tab-separated-values");
}
