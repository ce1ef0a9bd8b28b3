// What was installed of one member's keys, until they are retired.
import { ahead } from './chain.js';

const keyGrace = 10_000; // ms: a replaced key of another may still open frames on their way
export const freshUse = 1_000; // from handing out a fresh chain to its use
/** From the coming of a later chain to the retiring of what it replaces. */
export const replacedFor = freshUse + keyGrace;
export const quickUse = 300;
export const maxBehind = 128; // an index farther ahead is one that lies behind

/** A Ring follows one member. emit is told what to install and to retire. */
export class Ring {
  /** The time at which an index is retired, Infinity for one in use. */
  slots = new Map();
  /** Where the sender is; undefined: nothing is known of it. */
  chain = undefined;
  #identity;
  #emit;
  #next = Infinity; // nothing is retired before

  constructor(identity, emit) {
    this.#identity = identity;
    this.#emit = emit;
  }

  /** number is that of the chain, 0 for none. */
  get number() { return this.chain?.number ?? 0; }

  /** take installs a later chain, which it owns then. What was there before is used until
   * the sender uses this one. */
  async take(chain, now) {
    this.leave(now + replacedFor);
    this.chain = chain;
    const c = chain.copy();
    for (let n = 0; n <= ahead; n++) {
      await this.#install(c);
      await c.step();
    }
    c.wipe();
  }

  async #install(chain) {
    this.slots.set(chain.index, Infinity);
    const key = await chain.key();
    await this.#emit({ kind: 'install', identity: this.#identity, index: chain.index, key });
    key.fill(0);
  }

  /** at returns the key that is so many steps ahead. */
  async at(steps) {
    const c = this.chain.copy();
    for (let n = 0; n < steps; n++) await c.step();
    const key = await c.key();
    c.wipe();
    return key;
  }

  /** advance follows the sender some steps. Of many it installs only those keys that come next:
   * one message is not to make 128. */
  async advance(steps, now) {
    if (steps === 0) return;
    const last = this.chain.copy();
    for (let n = 0; n < ahead; n++) await last.step();
    for (let n = 0; n < steps; n++) {
      if (this.slots.has(this.chain.index)) this.#retire(this.chain.index, now + keyGrace);
      await this.chain.step();
      await last.step();
      if (steps - n <= ahead + 1) await this.#install(last);
    }
    last.wipe();
  }

  /** leave retires all keys at a time, and forgets the chain. */
  leave(at) {
    for (const [index, until] of this.slots) if (until > at) this.#retire(index, at);
    this.chain?.wipe();
    this.chain = undefined;
  }

  #retire(index, at) {
    this.slots.set(index, at);
    this.#next = Math.min(this.#next, at);
  }

  /** tick retires what is due. */
  async tick(now) {
    if (now < this.#next) return;
    this.#next = Infinity;
    for (const [index, until] of [...this.slots]) {
      if (now < until) {
        this.#next = Math.min(this.#next, until);
        continue;
      }
      this.slots.delete(index);
      await this.#emit({ kind: 'retire', identity: this.#identity, index });
    }
  }

  /** clear retires all keys at once. */
  async clear(now) {
    this.leave(now);
    await this.tick(now);
  }
}
