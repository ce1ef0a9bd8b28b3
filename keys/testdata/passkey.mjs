// Prints the identities of passkeys, as browsers make them: for each of the vectors on
// standard input, with prf and nonce in hexadecimal.
import { readFileSync } from 'node:fs';

import { Identity } from '../web/identity.js';
import { deriveKeys, makeHandle, Passkey } from '../web/passkey.js';

const hex = (b) => Buffer.from(b).toString('hex');
const raw = (s) => new Uint8Array(Buffer.from(s, 'hex'));
const out = [];
for (const { PRF, Nonce, Created, Name, Device } of JSON.parse(readFileSync(0, 'utf8'))) {
  const handle = await makeHandle({ nonce: raw(Nonce), created: Date.parse(Created), name: Name, device: Device });
  const passkey = new Passkey(raw(PRF), handle);
  const { secret, seed } = await deriveKeys(raw(PRF));
  const identity = await Identity.fromPasskey(passkey, { name: Name, device: Device });
  const refused = [];
  for (const other of [{ name: Name + 'x', device: Device }, { name: Name, device: Device + 'x' }, { name: '', device: Device }]) {
    await Identity.fromPasskey(passkey, other).catch((err) => refused.push(err.message));
  }
  out.push({ PRF, Nonce, Created, Name, Device, Handle: hex(handle), Secret: secret, Seed: hex(seed), Card: identity.card.note, Refused: refused.length });
}
console.log(JSON.stringify(out));
