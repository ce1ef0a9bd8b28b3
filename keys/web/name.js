// Names, and when two of them are one: the same for every browser and for package keys.
// keys/PROTOCOL.md has the rules, keys/testdata/names.json examples of them.

import { check } from './note.js';
import { folded, mark, printable } from './unicode.js';

const maxMarks = 8; // in a row

/** ranges reads a table: pairs of how many are not in it, and how many after those are. */
function ranges(table) {
  const out = [];
  const n = table.split(' ').map((x) => parseInt(x, 36));
  let next = 0;
  for (let i = 0; i < n.length; i += 2) {
    const first = next + n[i];
    next = first + n[i + 1];
    out.push([first, next - 1]);
  }
  return out;
}

/** folding reads the table of what folds to what, by code point. */
function folding(table) {
  const out = new Map();
  let last = 0;
  for (const entry of table.split(' ')) {
    const [from, to] = entry.split('=');
    if (to) {
      last += parseInt(from, 36);
      out.set(last, String.fromCodePoint(...to.split('.').map((x) => parseInt(x, 36))));
      continue;
    }
    const [first, count, step, add] = entry.split(':').map((x) => parseInt(x, 36));
    last += first;
    for (let i = 0; i < count; i++) {
      if (i > 0) last += step;
      out.set(last, String.fromCodePoint(last + add));
    }
  }
  return out;
}

const tables = { printable: ranges(printable), mark: ranges(mark), folded: folding(folded) };

function within(list, c) {
  let [low, high] = [0, list.length - 1];
  while (low <= high) {
    const i = (low + high) >> 1;
    if (c < list[i][0]) high = i - 1;
    else if (c > list[i][1]) low = i + 1;
    else return true;
  }
  return false;
}

/** isPrintable and isMark say it of a code point, by Unicode 15.0.0. */
export const isPrintable = (c) => within(tables.printable, c);
export const isMark = (c) => within(tables.mark, c);

/** checkLine refuses what cannot be shown to people as a line of its own. */
export function checkLine(s, most) {
  const all = [...s];
  check(all.length > 0 && all.length <= most, `it is empty, or longer than ${most} characters`);
  let inRow = 0;
  let before = ' ';
  for (const [i, r] of all.entries()) {
    const c = r.codePointAt(0);
    check(isPrintable(c), 'it has a character that cannot be printed');
    check(r !== ' ' || before !== ' ', 'it has spaces at its ends or two in a row');
    check(i > 0 || !isMark(c), 'it begins with a combining mark');
    inRow = isMark(c) ? inRow + 1 : 0;
    check(inRow <= maxMarks, `it has more than ${maxMarks} combining marks in a row`);
    before = r;
  }
  check(before !== ' ', 'it has spaces at its ends or two in a row');
  // A browser of before Unicode 15 may know no normal form of it.
  check(/^\p{Assigned}+$/u.test(s), 'this browser does not know a character of it');
  check(s.normalize('NFC') === s, 'it is not in Unicode normal form C');
}

/** fold returns the form in which names are compared: the default case folding of Unicode
 * 15.0.0 of normal form C, in normal form C. */
export function fold(name) {
  let out = '';
  for (const r of name.normalize('NFC')) out += tables.folded.get(r.codePointAt(0)) ?? r;
  return out.normalize('NFC');
}
