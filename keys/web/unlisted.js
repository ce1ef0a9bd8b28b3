import { isKeyMessage, parse as parseKeyMessage } from './keymessage.js';
import { parse } from './message.js';
import { Budget } from './peer.js';
import { sealed } from './sealing.js';

const listedAfter = 6_000;
const maxLeft = 4096;

/**
 * Unlisted are the senders whom livekit-client does not name, because the server has not
 * listed them yet, or just does not list them any more. Either takes some seconds; what they
 * say they say again. Who is neither is hidden.
 */
export class Unlisted {
  #room;
  #peers;
  #keys;
  #report;
  #budget = new Budget();
  #left = new Map(); // by identity: when it left

  /** peers are the Member's, by identity; report is told a trouble and its detail. */
  constructor({ room, peers, keys, report }) {
    this.#room = room;
    this.#peers = peers;
    this.#keys = keys;
    this.#report = report;
  }

  /** left notes that the server lists somebody no more. */
  left(identity, now = Date.now()) {
    for (const [who, when] of this.#left) if (now - when >= listedAfter) this.#left.delete(who);
    if (this.#left.size < maxLeft) this.#left.set(identity, now);
  }

  /** heard takes what came from somebody who was not named. */
  async heard(data) {
    const now = Date.now();
    const fits = this.#budget.take(now);
    if (!fits && !this.#budget.warned) this.#report('flood', 'more messages than are taken');
    this.#budget.warned = !fits;
    if (!fits) return;
    let from;
    try {
      const message = sealed(data) ? (await this.#keys?.open('', data))?.[0] : data;
      from = (isKeyMessage(message) ? parseKeyMessage : parse)(message)?.from;
    } catch {
      // not a message: nobody listed said it either
    }
    if (now - (this.#left.get(from) ?? -Infinity) < listedAfter) return; // their last words
    setTimeout(() => {
      // One who had been listed for so long would have been named, unless another visit of
      // theirs began since.
      const p = this.#peers.get(from)?._;
      const known = this.#room.remoteParticipants.has(from) && !(p?.here && now - p.since >= listedAfter);
      if (!known) this.#report('hidden', 'a message from nobody in the room\'s list');
    }, listedAfter);
  }
}
