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

  /**
   * openShare returns the signed grant in a share of a recording, whose signature it does not
   * check; null if the share is for others. It throws a Refused for what is no share of it.
   * @param {string} recording ID
   * @param {Uint8Array} file
   * @returns {Promise<string|null>}
   */
  async openShare(recording, file) {
    const inside = await this.#openText(file, 'share', onlyStrong);
    // Other files may be sealed to the same keys.
    check(inside === null || inside.startsWith(`sealtape.v1/grant\nrecording: ${recording}\n`), 'not a share of this recording');
    return inside;
  }

  async #openText(file, what, kinds) {
    check(file.length <= maxFile, `larger than a ${what} may be`);
    const d = new age.Decrypter();
    d.addIdentity({ unwrapFileKey: kinds });
    try {
      return text(await this.#open(d, file));
    } catch (err) {
      if (/no identity matched/.test(err.message)) return null;
      throw new Refused(`not a ${what}: ${err.message}`);
    }
  }

  async #openOne(file) {
    const inside = await this.#openText(file, 'file of an epoch', oneKind);
    if (inside === null) return null;
    // Not what it holds: that could have a part of a secret in it.
    const [, secret] = epochSecret.exec(inside) ?? [];
    check(secret, 'not a file of an epoch: it holds no secret of one');
    return secret;
  }
}

const strong = (s) => postQuantum.includes(s.args[0]);

/** onlyStrong refuses a file with classic keys. */
function onlyStrong(stanzas) {
  check(stanzas.every(strong), 'it has classic keys');
  return null;
}

/** oneKind refuses a file that mixes classic and post-quantum keys, as package archive does:
 * the weaker of them would be as strong as the file. */
function oneKind(stanzas) {
  check(stanzas.every(strong) || !stanzas.some(strong), 'it mixes classic and post-quantum keys');
  return null;
}
