// Says of the names on standard input, and of every code point, what browsers say.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { checkName } from '../web/card.js';
import { fold, isMark, isPrintable } from '../web/name.js';
import { Refused } from '../web/note.js';

function valid(name) {
  try {
    checkName(name);
    return true;
  } catch (err) {
    if (err instanceof Refused) return false;
    throw err;
  }
}

const names = JSON.parse(readFileSync(0, 'utf8'));
const sum = createHash('sha256');
for (let c = 0; c <= 0x10ffff; c++) {
  if (!isPrintable(c)) continue;
  const r = String.fromCodePoint(c);
  sum.update(`${c.toString(16)} ${isMark(c)} ${valid('x' + r)} ${Buffer.from(fold(r)).toString('hex')}\n`);
}
console.log(JSON.stringify({ folded: names.map(fold), ok: names.map(valid), sum: sum.digest('hex') }));
