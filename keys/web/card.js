import * as age from 'age-encryption';

import { fingerprint } from './fingerprint.js';
import { checkLine, fold } from './name.js';
import { bytes, check, Fields, parseNote, Refused, sign, time, unbase64, Verifier } from './note.js';

const header = 'sealtape.v1/card';
const maxCard = 64 << 10;
const maxApprovals = 4;

/** checkName refuses a name that cannot stand on a card. */
export function checkName(name) {
  checkLine(name, 64);
  check(!/^(-|age1|ssh-)/.test(fold(name)), 'it begins like a flag or a key');
}

/** matrixAccount reads how a person is known in Matrix, "@ada:example.org ed25519:KEY": the
 * user, and the master key of their cross-signing. */
export function matrixAccount(s) {
  const [, user, master] = /^(@[!-9;-~]+:[0-9A-Za-z.:[\]-]+) ed25519:([A-Za-z0-9+/]{43})$/.exec(s) ?? [];
  check(user && user.length <= 255, 'not a Matrix user and their master key');
  unbase64(master + '=');
  return { user, master };
}

/** checkRecipient refuses what is no hybrid or X25519 recipient of age in its canonical
 * form, and what nothing can be sealed to. */
async function checkRecipient(r) {
  check(/^age1(pq1)?[02-9ac-hj-np-z]+$/.test(r), 'a card can hold age1pq1\u2026 and age1\u2026 recipients only');
  try {
    const e = new age.Encrypter();
    e.addRecipient(r);
    await e.encrypt(new Uint8Array());
  } catch (err) {
    throw new Refused(`a recipient: ${err.message}`);
  }
}

/**
 * A Card is the public half of an identity: who, which key signs for them, and the age
 * recipients to which one seals what they shall read. keys/card.go has the form.
 */
export class Card {
  /** parse reads a card and checks it whole. */
  static async parse(note) {
    check(bytes(note).length <= maxCard, 'the card is too long');
    const { message, signatures } = parseNote(note);
    const c = new Card();
    const f = new Fields(message);
    check(f.next() === header, 'not a card');
    c.name = f.field('name');
    checkName(c.name);
    if (f.has('device')) checkLine(c.device = f.field('device'), 32);
    if (f.has('role')) check((c.role = f.field('role')) === 'recorder', 'not a role that a card says');
    check((c.created = f.time('created')) >= 0, 'it was made before 1970');
    if (f.has('expires')) check((c.expires = f.time('expires')) > c.created, 'it expires before it was made');
    c.verifier = await Verifier.parse(f.field('key'));
    if (f.has('replaces')) c.replaces = f.field('replaces');
    if (f.has('matrix')) c.matrix = matrixAccount(f.field('matrix'));
    while (f.rest > 0 && c.recipients.length <= 16) c.recipients.push(f.field('recipient'));
    check(c.recipients.length > 0 && c.recipients.length <= 16 && new Set(c.recipients).size === c.recipients.length, 'its recipients');
    for (const r of c.recipients) await checkRecipient(r);
    const travelling = signatures.filter((s) => s.sig.length > 64).length;
    check(signatures.length - travelling <= 1 + maxApprovals && travelling <= maxApprovals, 'too many approvals');
    check(travelling === 0 || c.role === 'recorder', 'an approval that travels, of a card that is no recorder\'s');
    check(await signatures[0].by(c.verifier, message), 'its signature does not hold');
    [, ...c.approvals] = signatures;
    c.note = note;
    c.message = message;
    check(c.message === message && message + '\n' + signatures.join('') === note, 'not in canonical form');
    c.fingerprint = await fingerprint(c.verifier.raw);
    if (c.replaces) {
      check(c.replaces !== c.key && await c.approvedBy(await Verifier.parse(c.replaces)), 'the key that it replaces has not signed it');
    }
    return c;
  }

  /** make signs a new card. matrix is as matrixAccount reads it, '' for none. */
  static async make({ name, device = '', role = 'member', created = Date.now(), expires = 0, matrix = '', recipients }, verifier, privateKey) {
    const message = [
      header, `name: ${name}`, ...(device ? [`device: ${device}`] : []), ...(role === 'recorder' ? ['role: recorder'] : []),
      `created: ${time(created)}`,
      ...(expires ? [`expires: ${time(expires)}`] : []), `key: ${verifier.vkey}`, ...(matrix ? [`matrix: ${matrix}`] : []), ...recipients.map((r) => `recipient: ${r}`), '',
    ].join('\n');
    return Card.parse(message + '\n' + await sign(message, verifier, privateKey));
  }

  name = '';
  device = '';
  /** role is "member" or "recorder": only a recorder's key says what is recorded. */
  role = 'member';
  created = 0;
  /** expires is when the card stops counting, in milliseconds; 0 is never. */
  expires = 0;
  replaces = '';
  /** matrix is the holder's account in Matrix, { user, master }, by their own word. */
  matrix = null;
  recipients = [];
  approvals = [];
  fingerprint = '';

  get key() { return this.verifier.vkey; }
  get label() { return this.device ? `${this.name}, ${this.device}` : this.name; }
  get postQuantum() { return this.recipients.every((r) => r.startsWith('age1pq1') || r.startsWith('age1tagpq1')); }
  expired(now = Date.now()) { return this.expires !== 0 && now >= this.expires; }

  /** approvedBy reports whether another key of the same person signed the card. */
  async approvedBy(verifier) {
    for (const s of this.approvals) if (await s.by(verifier, this.message)) return true;
    return false;
  }
}
