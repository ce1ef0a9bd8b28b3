// Says of the Matrix accounts and the cards on standard input what browsers read in them.
import { readFileSync } from 'node:fs';

import { Card, matrixAccount } from '../web/card.js';
import { Refused } from '../web/note.js';

function read(account) {
  try {
    const { user, master } = matrixAccount(account);
    return `${user} ed25519:${master}`;
  } catch (err) {
    if (err instanceof Refused) return '';
    throw err;
  }
}

const { accounts, cards } = JSON.parse(readFileSync(0, 'utf8'));
const parsed = [];
for (const card of cards) {
  const c = await Card.parse(card);
  parsed.push(c.matrix ? `${c.matrix.user} ed25519:${c.matrix.master}` : '');
}
console.log(JSON.stringify({ accounts: accounts.map(read), cards: parsed }));
