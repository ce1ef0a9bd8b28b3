import * as age from 'age-encryption';

import { Card, checkName } from './card.js';
import { base64, bytes, check, prefix, Refused, sign, text, time, unbase64, Verifier } from './note.js';
import { Passphrase } from './passphrase.js';
import { Secrets } from './secrets.js';

// The private key as WebCrypto takes it: PKCS #8 (RFC 8410) is these bytes and the seed.
const pkcs8 = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

const maxExport = 1 << 20;

/**
 * An Identity is one's own keys. The secret halves stay in this browser but for export,
 * which puts them under a passphrase.
 */
export class Identity {
  #seed;
  #key;
  #secrets; // age identities
  #opens; // with them
  #past; // lines on earlier keys and revoked ones, of use to "sealtape keys import" only

  /** @private */
  constructor(card, seed, key, secrets, past) {
    this.#past = past;
    this.card = card;
    this.#seed = seed;
    this.#key = key;
    this.#secrets = secrets;
    this.#opens = new Secrets(secrets);
  }

  static async #of(card, seed, secrets, past = []) {
    const key = await crypto.subtle.importKey('pkcs8', Uint8Array.of(...pkcs8, ...seed), 'Ed25519', false, ['sign']);
    const id = new Identity(card, seed, key, secrets, past);
    const probe = prefix + 'self-test\n';
    check(await (await id.sign(probe)).by(card.verifier, probe), 'the signing key is not that of the card');
    for (const s of secrets.slice(0, 1)) check(card.recipients.includes(await age.identityToRecipient(s)), 'the age identity is not that of the card');
    return id;
  }

  /** generate makes a new identity. Its age identity is post-quantum. */
  static async generate({ name, device = '', role = 'member', expires = 0 }) {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    return Identity.#make(seed, await age.generateHybridIdentity(), { name, device, role, expires });
  }

  // make makes the card of new keys.
  static async #make(seed, secret, { name, device, ...more }) {
    name = name.normalize('NFC');
    checkName(name);
    const key = await crypto.subtle.importKey('pkcs8', Uint8Array.of(...pkcs8, ...seed), 'Ed25519', true, ['sign']);
    const { x } = await crypto.subtle.exportKey('jwk', key); // the public half
    const verifier = await Verifier.of(unbase64(x.replaceAll('-', '+').replaceAll('_', '/') + '='));
    const card = await Card.make({ name, device: device.normalize('NFC'), ...more, recipients: [await age.identityToRecipient(secret)] }, verifier, key);
    return Identity.#of(card, seed, [secret]);
  }

  /**
   * fromPasskey returns the identity that a passkey stands for: the same in each browser that
   * has the passkey. Name and device are those with which it was made; others are refused.
   * @param {import('./passkey.js').Passkey} passkey
   * @param {{ name: string, device?: string }} card
   */
  static async fromPasskey(passkey, { name, device = '' }) {
    await passkey.checkName(name, device);
    const { secret, seed } = await passkey.keys();
    return Identity.#make(seed, secret, { name, device, created: passkey.created });
  }

  /** load returns the identity that a shelf keeps, or undefined. */
  static async load(shelf) {
    const kept = await shelf.get('identity');
    return kept && Identity.#of(await Card.parse(kept.card), kept.seed, kept.secrets, kept.past);
  }

  /** save keeps the identity on a shelf. One that is there already is not overwritten. */
  async save(shelf) {
    const kept = await shelf.get('identity');
    check(!kept || (await Card.parse(kept.card)).key === this.card.key, 'there is an identity already');
    await shelf.set('identity', { card: this.card.note, seed: this.#seed, secrets: this.#secrets, past: this.#past });
  }

  /** sign returns the identity's signature of a text. */
  sign(message) { return sign(message, this.card.verifier, this.#key); }

  /** decrypt opens an age file that was sealed to the identity. */
  decrypt(file) { return this.#opens.decrypt(file); }

  /**
   * openEpoch returns the secret of a recording's epoch from its files; see Secrets.
   * @param {Uint8Array[]} files
   */
  openEpoch(files) { return this.#opens.openEpoch(files); }

  /**
   * openShare returns the grant in a share of a recording; see Secrets.
   * @param {string} recording ID
   * @param {Uint8Array} file
   */
  openShare(recording, file) { return this.#opens.openShare(recording, file); }

  /**
   * export returns all of the identity in one armored age file under a passphrase, for
   * "sealtape keys import", or "age -d -i". work is log2 of the scrypt cost.
   */
  async export(passphrase, work = 18) {
    check(passphrase !== '', 'the passphrase is empty');
    const c = this.card;
    const lines = [`# sealtape identity of ${c.name}`, `# created: ${time(c.created)}`, `# signing key: ${c.key}`];
    for (const s of this.#secrets) lines.push(`# public key: ${await age.identityToRecipient(s)}`, s);
    const seed = base64(Uint8Array.of(1, ...this.#seed));
    lines.push(`# signer: PRIVATE+KEY+${c.verifier.name}+${c.verifier.hash}+${seed}`, `# card: ${base64(bytes(c.note))}`);
    lines.push(...this.#past, '');
    const e = new age.Encrypter();
    e.addRecipient(new Passphrase(passphrase, work));
    return age.armor.encode(await e.encrypt(lines.join('\n')));
  }

  /** import reads what export, or "sealtape keys export", wrote. */
  static async import(file, passphrase) {
    check(file.length <= maxExport, 'larger than an exported identity may be');
    const d = new age.Decrypter();
    d.addIdentity(new Passphrase(passphrase));
    let lines;
    try {
      lines = text(await d.decrypt(age.armor.decode(file))).split('\n');
    } catch (err) {
      throw new Refused(`not an exported identity, or another passphrase: ${err.message}`);
    }
    const find = (name) => lines.find((l) => l.startsWith(`# ${name}: `))?.slice(name.length + 4);
    const [card, signer] = [find('card'), find('signer')];
    check(card && signer, 'not an exported identity: it lacks a signing key or a card');
    const seed = unbase64(signer.split('+').slice(4).join('+'));
    check(seed.length === 33 && seed[0] === 1, 'not an Ed25519 key');
    return Identity.#of(await Card.parse(text(unbase64(card))), seed.slice(1), lines.filter((l) => l.startsWith('AGE-SECRET-KEY-')),
      lines.filter((l) => l.startsWith('# earlier: ') || l.startsWith('# revoked: ')));
  }

  toString() { return `identity of ${this.card.name}`; }
  toJSON() { return { card: this.card.note }; }
}
