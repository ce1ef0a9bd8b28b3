import { Stanza } from 'age-encryption';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';

import { base64, bytes, check, unbase64 } from './note.js';

const label = 'age-encryption.org/v1/scrypt';
const maxWork = 20; // 1 GiB of memory
const zeros = new Uint8Array(12); // the key is used once

/**
 * A Passphrase is a recipient and an identity of age (scrypt). Unlike those of
 * age-encryption, it lets the page go on while it calculates for two seconds.
 */
export class Passphrase {
  #passphrase;
  #work;
  /** work is log2 of the scrypt cost, for sealing. */
  constructor(passphrase, work = 18) {
    this.#passphrase = passphrase;
    this.#work = work;
  }

  async wrapFileKey(fileKey) {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const key = await this.#key(salt, this.#work);
    return [new Stanza(['scrypt', raw(salt), String(this.#work)], chacha20poly1305(key, zeros).encrypt(fileKey))];
  }

  async unwrapFileKey(stanzas) {
    const [s] = stanzas;
    if (s?.args[0] !== 'scrypt') return null;
    check(stanzas.length === 1 && s.args.length === 3 && /^[1-9][0-9]?$/.test(s.args[2]), 'a malformed passphrase stanza');
    const salt = unbase64(s.args[1].padEnd(24, '='));
    check(salt.length === 16 && s.body.length === 32, 'a malformed passphrase stanza');
    check(Number(s.args[2]) <= maxWork, 'it costs more memory to open than a browser should give');
    const key = await this.#key(salt, Number(s.args[2]));
    try {
      return chacha20poly1305(key, zeros).decrypt(s.body);
    } catch {
      return null;
    }
  }

  #key(salt, work) {
    const count = () => scryptAsync(this.#passphrase, Uint8Array.of(...bytes(label), ...salt), { N: 2 ** work, r: 8, p: 1, dkLen: 32, maxmem: 2 ** 30 + 2 ** 12 });
    // It gives way every ten milliseconds: by scheduler.yield, where there is one, which comes
    // back before all else, unless it was called in the background.
    return globalThis.scheduler?.postTask ? scheduler.postTask(count, { priority: 'background' }) : count();
  }
}

const raw = (b) => base64(b).replace(/=+$/, '');
