// A text area for Sieve scripts: colours behind it, line numbers beside it, places of errors in it. It stays a text area: keyboard, screen readers,
// undo and the Tab key, which leaves it, are the browser's. The server says what is wrong with a script; nothing is judged here.
"use strict";

// Longer ones are shown without colours: each key would cost too much.
const longestInColour = 60_000;
// After the last key, before the server is asked what is wrong.
const pause = 500;

const tokens = new RegExp([
  /(?<comment>#[^\n]*|\/\*[\s\S]*?(?:\*\/|$))/,
  /(?<string>"(?:[^"\\]|\\[\s\S])*(?:"|$)|\btext:[ \t]*(?:#[^\n]*)?\n(?:[\s\S]*?\n)??\.(?=\n|$))/,
  /(?<tag>:[A-Za-z_]\w*)/,
  /(?<number>\b\d+[KMGkmg]?\b)/,
  /(?<control>\b(?:require|if|elsif|else|stop|include|return|global|foreverypart|break|not|anyof|allof|true|false)\b)/,
  /(?<word>\b[A-Za-z_]\w*)/,
].map(part => part.source).join("|"), "g");

const encoder = new TextEncoder();

// One element a line, so that a line that is broken has one number; a string over several lines is a piece in each.
const coloured = text => {
  const parts = document.createDocumentFragment();
  let line;
  const begin = () => {
    line = document.createElement("div");
    line.className = "code-line";
    parts.append(line);
  };
  const add = (piece, kind) => {
    for (const [i, part] of piece.split("\n").entries()) {
      if (i > 0) begin();
      if (part === "") continue;
      if (!kind) {
        line.append(part);
        continue;
      }
      const span = document.createElement("span");
      span.className = `code-${kind}`;
      span.textContent = part;
      line.append(span);
    }
  };
  begin();
  let at = 0;
  for (const match of text.matchAll(tokens)) {
    add(text.slice(at, match.index));
    const [kind] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    add(match[0], kind);
    at = match.index + match[0].length;
  }
  add(text.slice(at));
  return parts;
};

/** What stands in a field, as UTF-8. */
export const textOf = id => encoder.encode(document.getElementById(id)?.value ?? "");

/** @param box element with the text area; @param server is told of every change, as UTF-8. */
export function attach(box, server) {
  const area = box.querySelector("textarea"), back = box.querySelector(".code-back");
  let faults = new Map(), waiting = 0, drawing = 0, ended = false;

  const scroll = () => { back.scrollTop = area.scrollTop; };
  const draw = () => {
    drawing = 0;
    const text = area.value, inColour = text.length <= longestInColour;
    box.classList.toggle("code-plain", !inColour);
    back.replaceChildren(inColour ? coloured(text) : "");
    for (const [line, kind] of faults) back.children[line - 1]?.classList.add(kind);
    scroll();
  };
  const soon = () => { drawing ||= requestAnimationFrame(draw); };
  const ask = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (!ended) server.invokeMethodAsync("TypedAsync", DotNet.createJSStreamReference(encoder.encode(area.value))).catch(() => {});
    }, pause);
  };
  const typed = () => { soon(); ask(); };
  // A new line begins where the one before it began.
  const key = event => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || area.readOnly) return;
    const before = area.value.slice(0, area.selectionStart);
    const indent = /[ \t]*$/.exec(/^[ \t]*/.exec(before.slice(before.lastIndexOf("\n") + 1))[0])[0];
    if (!indent) return;
    event.preventDefault();
    document.execCommand("insertText", false, `\n${indent}`);   // by this alone the browser can undo it
  };

  area.addEventListener("input", typed);
  area.addEventListener("scroll", scroll);
  area.addEventListener("keydown", key);
  draw();

  return {
    read: () => encoder.encode(area.value),
    write(text) {
      area.value = text;
      faults = new Map();
      draw();
      ask();
    },
    /** @param found lines with what is wrong in them: "error" or "warning". */
    mark(found) {
      faults = new Map();
      for (const { line, kind } of found) if (faults.get(line) !== "error") faults.set(line, kind);
      area.toggleAttribute("aria-invalid", false);
      if (found.some(({ kind }) => kind === "error")) area.setAttribute("aria-invalid", "true");
      soon();
    },
    go(line, column) {
      const all = area.value.split("\n");
      const start = all.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + [...(all[line - 1] ?? "")].slice(0, column - 1).join("").length;
      area.focus();
      area.setSelectionRange(start, start);
      const place = back.children[line - 1];
      if (place) area.scrollTop = Math.max(0, place.offsetTop - area.clientHeight / 3);
      scroll();
    },
    end() {
      ended = true;
      clearTimeout(waiting);
      cancelAnimationFrame(drawing);
      area.removeEventListener("input", typed);
      area.removeEventListener("scroll", scroll);
      area.removeEventListener("keydown", key);
    },
  };
}
