// Calculates the vectors of roomkeys.json anew, and seals to their KEM key.
import { readFileSync } from 'node:fs';

import * as chain from '../web/chain.js';

const v = JSON.parse(readFileSync(new URL('roomkeys.json', import.meta.url)));
const hex = (b) => Buffer.from(b).toString('hex');
const raw = (s) => new Uint8Array(Buffer.from(s, 'hex'));

let checked = 0;
function same(what, got, want) {
  if (got !== want) throw new Error(`${what} is ${got}, want ${want}`);
  checked++;
}

const { room, from, to, nonce, answers, own, other, generation, seed, kem, enc, first } = lower(v.Pair);
const info = await chain.pairInfo({ room, from, to, nonce: raw(nonce), answers: raw(answers), own, other, generation, kem: raw(kem) });
same('the info', Buffer.from(info).toString(), v.Pair.Info);
same('the first secret', hex(await chain.openFirst(raw(enc), raw(seed), info)), first);
same('the size of a KEM key', chain.offer().kem.length, raw(kem).length);
const pair = new chain.PairChain(raw(first));
for (const b of v.Pair.Boxes) same(`box ${b.Serial}`, hex(await pair.open(b.Serial, raw(b.Box), b.Text)), v.Pair.Chain);
await pair.open(1, raw(v.Pair.Boxes[0].Box), v.Pair.Boxes[0].Text).then(
  () => { throw new Error('a box is opened twice'); },
  () => {},
);

const liveKit = async (key, bits) => {
  const material = await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveBits']);
  const salt = new TextEncoder().encode('LKFrameEncryptionKey');
  return hex(new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array(128) }, material, bits)));
};
let secret = raw(v.Chain.Secret);
for (const [i, want] of v.Chain.Keys.entries()) {
  const key = await chain.mediaKey(secret);
  same(`key ${i}`, hex(key), want.Key);
  same(`commitment ${i}`, await chain.commitment(key), want.Commit);
  same(`LiveKit's key ${i}`, `${await liveKit(key, 128)} ${await liveKit(key, 256)}`, `${want.LiveKit} ${want.LiveKit256}`);
  secret = await chain.nextSecret(secret);
}

const seats = v.Roster.Seats.map((s) => ({ identity: s.Identity, card: s.Card, nonce: raw(s.Nonce) }));
for (const [i, s] of seats.entries()) same(`tag ${i}`, hex(await chain.tag(s)), v.Roster.Seats[i].Tag);
same('the roster', await chain.rosterHash(seats), v.Roster.Hash);
same('the code', await chain.roomCode(seats, v.Roster.Recorder), v.Roster.Code);

const sealed = await chain.sealFirst(raw(kem), info);
console.log(JSON.stringify({ Checked: checked, Enc: hex(sealed.enc), First: hex(sealed.first) }));

function lower(o) {
  return Object.fromEntries(Object.entries(o).map(([k, x]) => [k.toLowerCase(), x]));
}
