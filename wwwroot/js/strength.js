// How long a guessing program would need for a password, shown while it is typed. Nothing leaves the browser: the page brings the names that are
// known to belong to the account, the server its list of what everybody tries first. What is allowed the server decides (PasswordPolicy).
"use strict";

// Powers of ten of guesses from which on a password is weak, fair, good, strong. Below the first it falls in an online attack.
const levels = [5, 7.5, 10, 12.5];
const rows = ["1234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm"];
const looksLike = { "0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i", "+": "t" };
// Longer ones cost time and cannot get better; what comes behind is not looked at.
const longest = 128;

const plain = text => [...text].map(c => looksLike[c] ?? c).join("");
const reversed = text => [...text].reverse().join("");

// What one character more multiplies the guesses by, when nothing better is known: more for a mixture of kinds.
const perCharacter = password => {
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}\s]/u, /\p{Lo}/u].filter(kind => kind.test(password)).length;
  const different = new Set(password).size;
  return (kinds <= 1 ? 1 : kinds === 2 ? 1.15 : 1.4) * (different < password.length / 3 ? 0.5 : 1);
};

const pieces = (password, names, words) => {
  const found = [];
  const lower = password.toLowerCase();
  const add = (from, length, power, why) => found.push({ from, to: from + length, power, why });
  const capitals = part => part === part.toLowerCase() ? 0 : 0.6;
  for (let from = 0; from < lower.length; from++) {
    for (let length = 3; from + length <= lower.length && length <= 40; length++) {
      const part = lower.slice(from, from + length), read = plain(part), disguise = read === part ? 0 : 0.6;
      const written = capitals(password.slice(from, from + length)) + disguise;
      if (names.has(part) || names.has(read) || names.has(reversed(part))) add(from, length, 1 + written, "own");
      else if (words.has(part) || words.has(read)) add(from, length, 2.5 + written, "common");
      else if (words.has(reversed(part))) add(from, length, 3 + written, "common");
      else if (length >= 4 && rows.some(row => row.includes(part) || reversed(row).includes(part))) add(from, length, 2.2, "sequence");
      if (/^(?:19|20)\d\d$/.test(part)) add(from, length, 2, "sequence");
      if (/^(?:\d{1,2}[-./]?\d{1,2}[-./]?(?:19|20)?\d\d|(?:19|20)\d\d[-./]?\d{1,2}[-./]?\d{1,2})$/.test(part)) add(from, length, 4.3, "sequence");
    }
    const step = lower.charCodeAt(from + 1) - lower.charCodeAt(from);
    if (Math.abs(step) <= 1) {
      let to = from + 1;
      while (to < lower.length && lower.charCodeAt(to) - lower.charCodeAt(to - 1) === step) to++;
      if (to - from >= 3) add(from, to - from, 1 + Math.log10(to - from), "sequence");
    }
    for (let period = 2; period <= 12; period++) {
      let to = from + period;
      while (to < lower.length && lower[to] === lower[to - period]) to++;
      if (to - from >= 2 * period) found.push({ from, to, period, why: "sequence" });
    }
  }
  return found;
};

// The cheapest way to put the password together, as powers of ten; and what most of it is made of.
const cheapest = (password, names, words) => {
  const each = perCharacter(password);
  const found = pieces(password, names, words);
  const best = [{ power: 0, parts: 0, why: {} }];
  for (let to = 1; to <= password.length; to++) {
    const before = best[to - 1];
    best[to] = { ...before, power: before.power + each };
    for (const piece of found) {
      if (piece.to !== to) continue;
      const start = best[piece.from];
      // What is repeated has to be guessed once: its first period may be a word itself.
      const once = piece.period ? best[piece.from + piece.period].power - start.power + Math.log10((piece.to - piece.from) / piece.period) : piece.power;
      const power = start.power + once + (start.parts > 0 ? 0.3 : 0);
      if (power < best[to].power)
        best[to] = { power, parts: start.parts + 1, why: { ...start.why, [piece.why]: (start.why[piece.why] ?? 0) + piece.to - piece.from } };
    }
  }
  return best[password.length];
};

/** Level 0 (tried at once) to 4 (strong), and why it is no better: "short", "own", "common", "sequence" or "". */
export function estimate(password, { least = 10, names = [], words = [] } = {}) {
  const text = [...password].slice(0, longest).join("").normalize("NFC");
  const own = new Set(names.flatMap(name => [name, ...name.split(/[^\p{L}\p{Nd}]+/u)]).map(name => name.toLowerCase()).filter(name => name.length >= 3));
  const { power, why } = cheapest(text, own, words instanceof Set ? words : new Set(words));
  const reached = levels.filter(level => power >= level).length;
  if (password.length < least) return { level: 0, why: "short", power };
  const [reason = ""] = Object.entries(why).sort((a, b) => b[1] - a[1])[0] ?? [];
  return { level: reached, why: reached < 3 ? reason : "", power };
}

let common;
// Asked for when somebody begins to type; without it the estimate goes by the rest.
const commonWords = () => common ??= fetch("/passwords/common")
  .then(answer => answer.ok ? answer.text() : "")
  .then(text => new Set(text.split("\n").filter(word => word.length > 0)), () => new Set());

const show = async field => {
  const box = document.getElementById(field.dataset.strength);
  if (!box) return;
  const words = await commonWords();
  const password = field.value;
  const named = (box.dataset.nameFields ?? "").split(" ").map(id => document.getElementById(id)?.value ?? "");
  const { level, why } = estimate(password, { least: Number(box.dataset.least), names: [...JSON.parse(box.dataset.names ?? "[]"), ...named], words });
  box.hidden = password.length === 0;
  box.dataset.level = String(level);
  const said = [box.dataset[`level${level}`], why ? box.dataset[why] : ""].filter(Boolean).join(" ");
  const output = box.querySelector("output");
  if (output.textContent !== said) output.textContent = said;
};

if (typeof document !== "undefined")
  document.addEventListener("input", event => {
    if (event.target instanceof HTMLInputElement && event.target.dataset.strength) show(event.target);
  });
