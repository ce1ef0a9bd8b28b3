import * as age from 'age-encryption';

import { Card, checkName } from './card.js';
import { base64, bytes, check, prefix, Refused, sign, text, time, unbase64, Verifier } from './note.js';

// The private key as WebCrypto takes it: PKCS #8 (RFC 8410) is these bytes and the seed.
const pkcs8 = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

/**
 * An Identity is one's own keys. The secret halves stay in this browser but for export,
 * which puts them under a passphrase.
 */
export class Identity {
  #seed;
  #key;
  #secrets; // age identities
  #past; // lines on earlier keys and revoked ones, of use to "sealtape keys import" only

  /** @private */
  constructor(card, seed, key, secrets, past) {
    this.#past = past;
    this.card = card;
    this.#seed = seed;
    this.#key = key;
    this.#secrets = secrets;
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
    name = name.normalize('NFC');
    checkName(name);
    const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
    const seed = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).slice(-32);
    const verifier = await Verifier.of(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
    const secret = await age.generateHybridIdentity();
    const card = await Card.make({ name, device, role, expires, recipients: [await age.identityToRecipient(secret)] }, verifier, pair.privateKey);
    return Identity.#of(card, seed, [secret]);
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
  async decrypt(file) {
    const d = new age.Decrypter();
    for (const s of this.#secrets) d.addIdentity(s);
    return d.decrypt(file);
  }

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
    e.setPassphrase(passphrase);
    e.setScryptWorkFactor(work);
    return age.armor.encode(await e.encrypt(lines.join('\n')));
  }

  /** import reads what export, or "sealtape keys export", wrote. */
  static async import(file, passphrase) {
    const d = new age.Decrypter();
    d.addPassphrase(passphrase);
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
