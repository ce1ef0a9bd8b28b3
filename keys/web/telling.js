import { Refusals } from './consent.js';
import { parts, telling } from './message.js';
import { hex, sha256 } from './note.js';

const maxDigests = 64;

/** A Telling is what a recorder tells, and what it has of the members it told. */
export class Telling {
  state = undefined;
  sequence = 0;
  told = 0; // when all were told
  refusals = new Refusals();
  #digests = new Map(); // of the states that were told, by their sequence
  #asked = 0; // the first of them that a yes may answer

  async set(state) {
    this.state = structuredClone(state);
    this.sequence++;
    this.#digests.set(this.sequence, hex(await sha256(parts(this.state).map((p) => telling(this.sequence, p)).join(''))));
    this.#digests.delete(this.sequence - maxDigests);
  }

  digest(sequence) { return this.#digests.get(sequence); }

  /** asksNext makes a yes count only as an answer to the next state, or a later one. */
  asksNext() { this.#asked = this.sequence + 1; }

  /** decide takes an answer, and reports whether that changes something. */
  decide(p, m) {
    if (m.number < p._.number || (m.number === p._.number && !p._.voided)) return false; // it was heard, or a later one
    const said = { nonce: m.nonce, number: m.number, time: m.time };
    // A no needs no proof: whoever says so under the identity is not to be overruled.
    if (m.answer === 'no') this.refusals.add(p.identity, p.card.key, said);
    else if (!p._.proved || m.sequence < this.#asked || !this.refusals.lift(p.identity, p.card.key, said)) return false;
    Object.assign(p._, { number: m.number, voided: false });
    const refused = this.refusals.of(p.identity);
    Object.assign(p, { answered: refused || m.time, yes: !refused && m.answer === 'yes' });
    return true;
  }
}
