// Texts from elsewhere: a file of the visitor's, or a page of the web. The server reads both.

import { announce, button, h, popover, t } from "../dom.js";

const MOST_BYTES = 20 * 1024 * 1024;

// The content of a file in base64, null where it is too large to be read.
function dataOf(file) {
  if (file.size > MOST_BYTES) return Promise.resolve(null);
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => resolve("");
    reader.readAsDataURL(file);
  });
}

export class Elsewhere {
  // `server` has `read_file` and `read_address`. `ontext(answer)` gets what was read, `onsay(sentence)` what is being
  // done, `onrefuse(sentence)` why it cannot be; `go` is what stands on the button that comes next, "" for none.
  constructor({ server, go = "", ontext, onsay, onrefuse }) {
    Object.assign(this, { server, go, ontext, onsay, onrefuse });
    this.reading = false;
  }

  async openFile(file) {
    if (this.reading) return false;
    this.onsay(t("src_file_reading", { name: file.name }));
    return this.take(async () => {
      const data = await dataOf(file);
      return data === null ? { error: t("src_file_large") } : this.server.read_file({ name: file.name, data });
    });
  }

  async openAddress(address) {
    if (this.reading) return false;
    this.onsay(t("src_address_reading", { address }));
    return this.take(() => this.server.read_address({ address }));
  }

  async take(read) {
    this.reading = true;
    const answer = await read();
    this.reading = false;
    if (answer.error) { this.onrefuse(answer.error); return false; }
    this.ontext(answer);
    announce(this.go ? t("src_opened_press", { name: answer.name, button: this.go }) : t("src_opened", { name: answer.name }));
    return true;
  }

  // Asks for an address, in a panel at `anchor`.
  ask(anchor) {
    const input = h("input", { type: "url", id: "src-address", placeholder: "example.org/article", autocomplete: "off" });
    let panel;
    const read = () => {
      const address = input.value.trim();
      if (!address) { input.focus(); return; }
      panel.dismiss();
      this.openAddress(address);
    };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); read(); } });
    panel = popover(anchor, h("div", { class: "src-settings" }, h("label", { for: "src-address" }, t("src_address_label")), input, h("p", { class: "hint" }, t("src_address_about")),
      button(t("src_address_read"), { text: true, class: "primary", onclick: read })), { label: t("src_address_label"), className: "panel src-popover" });
  }
}
