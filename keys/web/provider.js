// The key provider that livekit-client's E2EEManager reads the keys of a room from.
import { indexes } from './chain.js';

const setKey = 'setKey'; // KeyProviderEvent.SetKey

/**
 * A KeyProvider has all that livekit-client 2.23 uses of its BaseKeyProvider, whose subclass
 * it need not be. It differs where that would undo what members do:
 *
 * - LiveKit's own is posted all keys that it ever had when a Room connects again, and makes
 *   current whichever was set last, for anybody. This one has live keys only, and the
 *   current index is the member's own: so that it never goes back to an old key.
 * - A ratchet of LiveKit's would tell a receiver the key before, so there is none.
 * - LiveKit gives an index up after ten frames that it lacked the key for. Keys may come late.
 * - A worker forgets no key: what is retired is overwritten with random bytes.
 */
export class KeyProvider {
  #listeners = new Map(); // by event
  #live = new Map(); // by identity and index: KeyInfo of livekit-client
  #own = 0;
  #options;

  /** bits is the AES keys' length, 128 or 256, the same for all in the room. */
  constructor(bits) {
    this.#options = {
      sharedKey: false, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 0, failureTolerance: -1, keyringSize: indexes, keySize: bits,
    };
  }

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return this;
  }

  off(event, listener) {
    this.#listeners.get(event)?.delete(listener);
    return this;
  }

  emit(event, ...args) {
    for (const f of this.#listeners.get(event) ?? []) f(...args);
    return true;
  }

  getKeys() { return [...this.#live.values()]; }
  getLatestManuallySetKeyIndex() { return this.#own; }
  getOptions() { return this.#options; }

  /** take does what an event of an Exchange says. Others than install, use and retire are
   * ignored. */
  async take({ kind, identity, index, key }) {
    const slot = JSON.stringify([identity, index]);
    switch (kind) {
      case 'install':
        this.#live.set(slot, { key: await material(key), participantIdentity: identity, keyIndex: index });
        this.emit(setKey, this.#live.get(slot), false);
        break;
      case 'use':
        this.#own = index;
        this.emit(setKey, this.#live.get(slot), true);
        break;
      case 'retire': {
        this.#live.delete(slot);
        const random = await material(crypto.getRandomValues(new Uint8Array(32)));
        this.emit(setKey, { key: random, participantIdentity: identity, keyIndex: index }, false);
        break;
      }
    }
  }
}

const material = (raw) => crypto.subtle.importKey('raw', raw, 'HKDF', false, ['deriveBits', 'deriveKey']);
