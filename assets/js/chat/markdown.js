// Model text -> DOM. Markdown by marked, formulas by KaTeX, code by highlight.js, all served from this machine.
// Raw HTML in the text is shown as text, images become links (a remote picture would tell its server who reads),
// and DOMPurify looks at what is left.

import DOMPurify from "../../vendor/purify.es.js";
import { Marked } from "../../vendor/marked.esm.js";
import hljs from "../../vendor/highlight.js";
import { copyButton, h, t } from "../dom.js";

const HIGHLIGHT_LIMIT = 50_000; // characters; highlighting more freezes the page
const FORMULA_LIMIT = 10_000;

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const formula = (tex, display) => `<span class="formula" data-display="${display}" data-tex="${escape(tex)}">${escape(tex)}</span>`;

// The four delimiters: $$ $$ and \[ \] stand alone, \( \) and $ $ run in the text. A single dollar counts only where
// it hugs its formula and no digit follows, so that "$5 and $10" stays money.
const BLOCK = /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])\s*(?:\n|$)/;
const INLINE = /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|\$(?!\s)((?:\\.|[^\\$\n])+?)(?<!\s)\$(?!\d))/;

const formulas = [
  {
    name: "blockFormula", level: "block",
    start: (text) => text.match(/(?:^|\n)(?:\$\$|\\\[)/)?.index,
    tokenizer(text) {
      const match = BLOCK.exec(text);
      if (match) return { type: "blockFormula", raw: match[0], tex: match[1] ?? match[2] };
    },
    renderer: (token) => `<p>${formula(token.tex, true)}</p>`,
  },
  {
    name: "inlineFormula", level: "inline",
    start: (text) => text.match(/\$|\\\(|\\\[/)?.index,
    tokenizer(text) {
      const match = INLINE.exec(text);
      if (!match) return undefined;
      const display = match[1] !== undefined || match[2] !== undefined;
      return { type: "inlineFormula", raw: match[0], display, tex: match[1] ?? match[2] ?? match[3] ?? match[4] };
    },
    renderer: (token) => formula(token.tex, token.display),
  },
];

const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  extensions: formulas,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
  },
});

const CLEAN = { FORBID_TAGS: ["style", "form", "input", "button", "img", "video", "audio", "iframe", "svg"], FORBID_ATTR: ["style", "id", "name"] };

// Renders into `container`, keeping the nodes of blocks whose source did not change: while an answer streams only its
// last block is built anew, so a selection or a scroll position further up survives.
export function renderMarkdown(container, text) {
  const blocks = lex(text);
  const old = [...container.children];
  let index = 0;
  for (const block of blocks) {
    if (block.type === "space" || block.type === "def") continue;
    const kept = old[index];
    if (kept?.source !== block.raw) {
      const node = renderBlock(block);
      if (kept) kept.replaceWith(node);
      else container.append(node);
    }
    index += 1;
  }
  old.slice(index).forEach((node) => node.remove());
}

// A model that repeats itself can nest quotes a thousand deep, which overruns the parser: then the text stands as it is.
function lex(text) {
  try { return marked.lexer(text); } catch { return [{ type: "plain", raw: text }]; }
}

function renderBlock(block) {
  const node = h("div", { class: "block", dir: "auto" });
  node.source = block.raw;
  try { fillBlock(node, block); } catch { node.replaceChildren(h("p", { class: "own" }, block.raw)); }
  return node;
}

function fillBlock(node, block) {
  if (block.type === "plain") throw new RangeError("nested too deep");
  node.append(DOMPurify.sanitize(marked.parser([block]), { ...CLEAN, RETURN_DOM_FRAGMENT: true }));
  for (const link of node.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const table of node.querySelectorAll("table")) {
    const frame = h("div", { class: "table-frame", tabindex: "0" });
    table.replaceWith(frame);
    frame.append(table);
  }
  node.querySelectorAll("pre > code").forEach(dressCode);
  node.querySelectorAll(".formula").forEach(dressFormula);
}

function dressCode(code) {
  const language = /language-([\w+#-]+)/.exec(code.className)?.[1] ?? "";
  const source = code.textContent;
  if (source.length <= HIGHLIGHT_LIMIT && hljs.getLanguage(language)) {
    hljs.highlightElement(code);
  }
  const frame = h("div", { class: "code-frame" });
  code.parentElement.replaceWith(frame);
  code.parentElement.tabIndex = 0;
  frame.append(h("div", { class: "code-head" }, h("span", {}, language || t("code")), copyButton(t("copy_code"), source)), code.parentElement);
}

let katex;
function dressFormula(node) {
  const { tex, display } = node.dataset;
  if (tex.length > FORMULA_LIMIT) return;
  // Loaded at the first formula: most chats have none.
  katex ??= import("../../vendor/katex/katex.js").then((module) => module.default);
  katex.then((library) => {
    try {
      library.render(tex, node, { displayMode: display === "true", throwOnError: false, trust: false, maxExpand: 200, maxSize: 20 });
    } catch {
      node.textContent = tex; // a formula cut in half while it streams
    }
  });
}
