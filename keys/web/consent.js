// What members say to being recorded: an answer of one's own until it is acknowledged, and
// the noes that a recorder has.

import { Refused } from './note.js';

const firstRetry = 2_000; // doubled each time
const lastRetry = 30_000;
const maxRefusals = 4096;

/** An Answer is said again until the recorder acknowledges it, and whenever that does not
 * have it any more. */
export class Answer {
  #noted = false;
  #since;
  #next = 0;
  #tries = 0;
  #settle;

  constructor(number, answer, now) {
    Object.assign(this, { number, answer });
    this.#since = now;
    this.done = new Promise((resolve, reject) => { this.#settle = { resolve, reject }; });
    this.done.catch(() => {}); // whoever waits is told
  }

  /** end lets who waits for the answer know, and reports whether they waited. */
  end(err) {
    const settle = this.#settle;
    this.#settle = undefined;
    if (err) settle?.reject(err);
    else settle?.resolve();
    return settle !== undefined;
  }

  /** due reports whether the answer is to be said now, and counts that as said. */
  due(now) {
    if (this.#noted || now < this.#next) return false;
    this.#next = now + Math.min(firstRetry * 2 ** this.#tries, lastRetry);
    this.#tries = Math.min(this.#tries + 1, 5);
    return true;
  }

  /** heard takes a recorder's word of what it has, and reports whether it has heard this. */
  heard(number, answer, now) {
    if (number === this.number && answer !== 'none') {
      this.#noted = true;
      this.#tries = 0;
      this.end(answer === this.answer ? undefined : new Refused('a no stands that this does not lift'));
      return true;
    }
    // It has been away, or takes us for somebody who has just come.
    if (this.#noted) this.#since = this.#next = now;
    this.#noted = false;
    return false;
  }

  /** unheard reports whether it has been given before a time, and is not acknowledged. */
  unheard(before) { return !this.#noted && this.#since <= before; }
}

/**
 * Refusals are the noes to a recording. One stands for the identity under which it was
 * said, whoever comes there, until the card that said it says yes there.
 */
export class Refusals {
  #said = new Map(); // by identity: by the key of the card
  #full = false; // there were too many to remember: no yes counts any more
  #n = 0;

  add(identity, key, { nonce, number, time }) {
    const by = this.#said.get(identity) ?? new Map();
    if (!by.has(key)) {
      if (this.#n === maxRefusals) {
        this.#full = true;
        return;
      }
      this.#n++;
    }
    this.#said.set(identity, by.set(key, { nonce, number, time }));
  }

  /** lift takes back what a card refused under an identity, if what it says now is later
   * than all that it refused anywhere, and reports whether it is. */
  lift(identity, key, now) {
    if (this.#full) return false;
    for (const by of this.#said.values()) {
      const r = by.get(key);
      if (r && !(r.nonce === now.nonce ? r.number < now.number : r.time < now.time)) return false;
    }
    const by = this.#said.get(identity);
    if (by?.delete(key)) this.#n--;
    if (by?.size === 0) this.#said.delete(identity);
    return true;
  }

  /** of returns when the no was said that stands for an identity, 0 if there is none. */
  of(identity) {
    return Math.max(0, ...[...this.#said.get(identity)?.values() ?? []].map((r) => r.time));
  }
}
