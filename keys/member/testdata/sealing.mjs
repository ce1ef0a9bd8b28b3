// The keys of a room, as livekit-client's own providers set, replace and ratchet them.
import { setTimeout as sleep } from 'node:timers/promises';

import { BaseKeyProvider, ExternalE2EEKeyProvider } from '../../../testdata/browser/node_modules/livekit-client/dist/livekit-client.esm.mjs';
import { SealingKeys } from '../../web/sealing.js';

const material = (text, name = 'HKDF') => crypto.subtle.importKey('raw', new TextEncoder().encode(text), name, false, ['deriveBits', 'deriveKey']);
const said = {};
const note = async (name, keys, identity) => { said[name] = (await keys.of(identity)).map((k) => k.commitment); };

const shared = new ExternalE2EEKeyProvider();
await shared.setKey('swordfish');
let keys = new SealingKeys(shared);
await note('shared', keys, 'ada');
await shared.setKey(new TextEncoder().encode('0123456789abcdef').buffer);
await note('replaced', keys, 'bob');

class Each extends BaseKeyProvider {
  set(...args) { this.onSetEncryptionKey(...args); }
}
const each = new Each({ keySize: 256 });
each.set(await material('ada 0'), 'ada', 0);
keys = new SealingKeys(each);
each.set(await material('ada 1'), 'ada', 1);
each.set(await material('bob 0'), 'bob', 0); // the provider's latest index is Bob's now
await note('ada', keys, 'ada');
await note('bob', keys, 'bob');
await note('eve', keys, 'eve');

// A ratchet, as the worker does it and tells of it.
const old = await material('ada 1');
const chainKey = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new TextEncoder().encode(each.getOptions().ratchetSalt), info: new Uint8Array(128) }, old, 256);
const cryptoKey = await crypto.subtle.importKey('raw', chainKey, 'HKDF', false, ['deriveBits', 'deriveKey']);
each.emit('keyRatcheted', { chainKey, cryptoKey }, 'ada', 1);
await note('ratcheted', keys, 'ada');
await note('bob after', keys, 'bob');
const [ratcheted] = await keys.of('ada');
const packet = await ratcheted.seal(new TextEncoder().encode('hello'));
said.opens = [(await keys.open('ada', packet))?.[1] ?? '', (await keys.open('bob', packet))?.[1] ?? ''];
each.set(await material('ada new'), 'ada', 1);
await note('set after a ratchet', keys, 'ada');

// What was replaced is tried for a while.
const now = Date.now();
Date.now = () => now + 11_000;
await note('later', keys, 'ada');
keys.stop();
each.set(await material('ada last'), 'ada', 1);
said.stopped = [String((await keys.of('ada'))[0].commitment === said.later[0])];
await sleep(0);
process.stdout.write(JSON.stringify(said));
