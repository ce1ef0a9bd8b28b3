import * as age from 'age-encryption';

import { check, Refused, text } from './note.js';

const maxFile = 1 << 20; // of an epoch: 512 readers take 0.8 MB
const postQuantum = ['mlkem768x25519', 'mlkem768p256tag'];
const epochSecret = /^(AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58})\n$/;

/**
 * Secrets are the age identities of one person. They open files, and nothing here returns
 * them.
 */
export class Secrets {
  #identities;
  constructor(identities) { this.#identities = [...identities]; }

  /** recipients are the public halves, the present one first. */
  recipients() { return Promise.all(this.#identities.map((s) => age.identityToRecipient(s))); }

  /** decrypt opens an age file that was sealed to one of them. */
  decrypt(file) { return this.#open(new age.Decrypter(), file); }

  #open(d, file) {
    for (const s of this.#identities) d.addIdentity(s);
    return d.decrypt(file);
  }

  /**
   * openEpoch opens the first of an epoch's files that is sealed to one of them, and returns
   * the epoch's secret, an age identity; null if none is. It throws a Refused for files that
   * are no epoch's, unless another opens.
   * @param {Uint8Array[]} files
   * @returns {Promise<string|null>}
   */
  async openEpoch(files) {
    let fault;
    for (const file of files) {
      try {
        const secret = await this.#openOne(file);
        if (secret) return secret;
      } catch (err) {
        fault ??= err;
      }
    }
    if (fault) throw fault;
    return null;
  }

  async #openOne(file) {
    check(file.length <= maxFile, 'larger than a file of an epoch may be');
    const d = new age.Decrypter();
    d.addIdentity({ unwrapFileKey: oneKind });
    let inside;
    try {
      inside = text(await this.#open(d, file));
    } catch (err) {
      if (/no identity matched/.test(err.message)) return null;
      throw new Refused(`not a file of an epoch: ${err.message}`);
    }
    // Not what it holds: that could have a part of a secret in it.
    const [, secret] = epochSecret.exec(inside) ?? [];
    check(secret, 'not a file of an epoch: it holds no secret of one');
    return secret;
  }
}

/** oneKind refuses a file that mixes classic and post-quantum keys, as package archive does:
 * the weaker of them would be as strong as the file. */
function oneKind(stanzas) {
  const strong = stanzas.filter((s) => postQuantum.includes(s.args[0])).length;
  check(strong === 0 || strong === stanzas.length, 'it mixes classic and post-quantum keys');
  return null;
}
