// What a member keeps of another participant, and how much of them it takes.

/** silentAfter is how long a member may owe something, in milliseconds. */
export const silentAfter = 40_000;
const unheardAfter = 90_000;
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
    since: Date.now(), here: false, hello: undefined, cardHash: '', over: new Set(), began: 0, proved: false, judged: 0, helloed: 0, hailed: 0, next: 0,
    silent: false, versions: false, clear: false, closed: 0, shut: false, budget: new Budget(), assembly: undefined, whole: 0, digest: '', heard: 0,
    confirmed: 0, owes: 0, heardOf: 0, number: 0, voided: false, // of a member, to a recorder
  };

  constructor(identity) {
    this.identity = identity;
  }

  /** session names the present one: nonce and cardHash are those of its hello, '' before;
   * digest is that of the state that it told as a recorder. */
  get session() { return { nonce: this._.hello?.nonce ?? '', cardHash: this._.cardHash, digest: this._.digest }; }

  /** silence returns what should have come from it and did not; answer is what it was
   * answered as a recorder. */
  silence(now, answer) {
    const _ = this._;
    if (_.hello && !_.proved && now - _.began >= silentAfter) return 'said hello and does not prove it';
    if (this.recorder && now - _.heard >= unheardAfter) return 'is a recorder, and has announced nothing for a while';
    if (answer && answer.unheard(now - silentAfter)) return 'does not acknowledge what it was answered';
    if (this.standing !== 'verified') return '';
    if (_.owes && now - _.owes >= silentAfter) return 'does not confirm what the recorder announced';
    if (this.seen && now - _.heardOf >= unheardAfter) return 'does not answer the recorder any more';
    return '';
  }

  toJSON() {
    const { identity, standing, card, recorder, state, code, seen, answered, yes } = this;
    return { identity, standing, name: card?.name, fingerprint: card?.fingerprint, recorder, state, code, seen, answered, yes };
  }
}
