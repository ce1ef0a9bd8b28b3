import { fingerprint } from './fingerprint.js';
import { check, Fields, parseNote, sign, time, Verifier } from './note.js';

const header = 'sealtape.v1/card';
const maxCard = 64 << 10;
const maxApprovals = 4;

/** checkLine refuses what cannot be shown to people as a line of its own: it must be
 * printable, in normal form C, with no spaces but single ones inside. */
function checkLine(s, most) {
  check(s !== '' && [...s].length <= most, `it is empty, or longer than ${most} characters`);
  check(s.normalize('NFC') === s, 'it is not in Unicode normal form C');
  check(s.trim() === s && !s.includes('  '), 'it has spaces at its ends or two in a row');
  check(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(s) && !/^\p{M}/u.test(s), 'it has a character that cannot be printed');
}

/** checkName refuses a name that cannot stand on a card. */
export function checkName(name) {
  checkLine(name, 64);
  check(!/^(-|age1|ssh-)/i.test(name), 'it begins like a flag or a key');
}

/** fold returns the form in which names are compared. */
export const fold = (name) => name.toUpperCase().toLowerCase().normalize('NFC');

/**
 * A Card is the public half of an identity: who, which key signs for them, and the age
 * recipients to which one seals what they shall read. keys/card.go has the form.
 */
export class Card {
  /** parse reads a card and checks it whole. */
  static async parse(note) {
    check(note.length <= maxCard, 'the card is too long');
    const { message, signatures } = parseNote(note);
    const c = new Card();
    const f = new Fields(message);
    check(f.next() === header, 'not a card');
    c.name = f.field('name');
    checkName(c.name);
    if (f.has('device')) checkLine(c.device = f.field('device'), 32);
    if (f.has('role')) check((c.role = f.field('role')) === 'recorder', 'not a role that a card says');
    c.created = f.time('created');
    if (f.has('expires')) check((c.expires = f.time('expires')) > c.created, 'it expires before it was made');
    c.verifier = await Verifier.parse(f.field('key'));
    if (f.has('replaces')) c.replaces = f.field('replaces');
    while (f.rest > 0) c.recipients.push(f.field('recipient'));
    check(c.recipients.length > 0 && c.recipients.length <= 16 && new Set(c.recipients).size === c.recipients.length, 'its recipients');
    check(signatures.length <= 1 + maxApprovals, 'too many approvals');
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

  /** make signs a new card. */
  static async make({ name, device = '', role = 'member', created = Date.now(), expires = 0, recipients }, verifier, privateKey) {
    const message = [
      header, `name: ${name}`, ...(device ? [`device: ${device}`] : []), ...(role === 'recorder' ? ['role: recorder'] : []),
      `created: ${time(created)}`,
      ...(expires ? [`expires: ${time(expires)}`] : []), `key: ${verifier.vkey}`, ...recipients.map((r) => `recipient: ${r}`), '',
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
