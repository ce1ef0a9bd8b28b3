// What a member keeps of another participant, and how much of them it takes.

const burst = 40;
const rate = 4; // a second

/** A Budget bounds how many messages are taken. */
export class Budget {
  #left = burst;
  #at = 0;
  warned = false;

  take(now) {
    if (this.#at) this.#left = Math.min(burst, this.#left + (rate * (now - this.#at)) / 1000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** back takes back what was taken for a message that is not for this member. */
  back() { this.#left++; }
}

/**
 * A Peer is another participant. What applications read:
 * identity, in the room; standing: "unknown" (nothing was proved), "claimed" (a card that is
 * not pinned) or "verified"; card, of its hello; recorder: it told a recorder's state, which
 * is state; code, the meeting code of that; seen, answered and yes: what it said to a recorder,
 * or a no that another card said under its identity.
 */
export class Peer {
  standing = 'unknown';
  card = undefined;
  recorder = false;
  state = undefined;
  code = '';
  seen = false;
  answered = 0;
  yes = false;

  /** @private */
  _ = {
    since: Date.now(), here: false, hello: undefined, cardHash: '', over: new Set(), began: 0, proved: false, judged: 0, helloed: 0, greeted: 0, next: 0,
    silent: false, versions: false, budget: new Budget(), sequence: 0, whole: 0, parts: undefined, digest: '', heard: 0,
    confirmed: 0, owes: 0, heardOf: 0, number: 0, voided: false, // of a member, to a recorder
  };

  constructor(identity) {
    this.identity = identity;
  }

  toJSON() {
    const { identity, standing, card, recorder, state, code, seen, answered, yes } = this;
    return { identity, standing, name: card?.name, fingerprint: card?.fingerprint, recorder, state, code, seen, answered, yes };
  }
}
