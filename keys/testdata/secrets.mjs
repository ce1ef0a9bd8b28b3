// Opens the epoch files on standard input, with the identities that stand beside them.
import { readFileSync } from 'node:fs';

import { Secrets } from '../web/secrets.js';

const out = {};
for (const { Name, Identities, Files, Share } of JSON.parse(readFileSync(0, 'utf8'))) {
  const secrets = new Secrets(Identities);
  try {
    if (Share) {
      out[Name] = { Secret: await secrets.openShare(Share, new Uint8Array(Buffer.from(Files[0], 'base64'))) ?? '' };
      continue;
    }
    out[Name] = { Secret: await secrets.openEpoch((Files ?? []).map((f) => new Uint8Array(Buffer.from(f, 'base64')))) ?? '' };
  } catch (err) {
    out[Name] = { Error: err.message };
  }
}
console.log(JSON.stringify(out));
