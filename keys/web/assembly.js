import { telling } from './message.js';
import { demand } from './trouble.js';

const head = (part) => telling(0, { ...part, part: 0, readers: [] });

/** An Assembly puts the states of a recorder together from their parts. */
export class Assembly {
  sequence = 0; // of the last state
  #parts = new Map();

  /** take takes a part. It returns what is whole with it: the state and its lines, or, for
   * the last part said again, nothing but again. */
  take({ sequence, part }) {
    demand(sequence >= this.sequence, 'stale', 'a state that is over');
    if (sequence > this.sequence) {
      this.sequence = sequence;
      this.#parts = new Map();
    }
    for (const [n, x] of this.#parts) {
      demand(head(x) === head(part) && (n !== part.part || telling(0, x) === telling(0, part)), 'malformed', 'two states under one number');
    }
    if (this.#parts.size === part.of) return { again: part.part === part.of };
    this.#parts.set(part.part, part);
    if (this.#parts.size < part.of) return {};
    const all = Array.from({ length: part.of }, (_, i) => this.#parts.get(i + 1));
    const readers = all.flatMap((x) => x.readers);
    demand(readers.length <= 1024, 'malformed', 'more readers than there may be');
    const { phase, recording, access, policy, keeps, consent, store, storeURL, pageURL } = part;
    return {
      state: { phase, recording, access, policy, keeps, consent, store, storeURL, pageURL, readers },
      lines: all.map((x) => telling(sequence, x)).join(''),
    };
  }
}
