// The room's end-to-end keys where all have them from elsewhere, a passphrase say, as the
// protocol uses them: they seal messages, and a proof names the one it is sealed under.
// Where the members make the keys themselves nothing is sealed: see roomkeys.js.
import { bytes, check, hex, prefix } from './note.js';
import { Trouble } from './trouble.js';

const header = bytes(prefix + 'sealed\n');
const ivSize = 12;
const maxPast = 16; // keys that were replaced, which are remembered
const keyGrace = 10_000; // ms: how long they are tried, and what nothing opens is nobody's fault
const hkdf = (info) => ({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: bytes(prefix + info) });

/** sealed reports whether a packet is one that SealingKey.seal made. */
export const sealed = (packet) => packet.length >= header.length && header.every((x, i) => packet[i] === x);

/** A SealingKey is that of one AES key. */
export class SealingKey {
  /** of takes the AES key under which media is encrypted, 16 or 32 bytes. */
  static async of(raw) {
    check(raw.byteLength === 16 || raw.byteLength === 32, 'a room key of another length');
    const k = new SealingKey();
    const material = await crypto.subtle.importKey('raw', raw, 'HKDF', false, ['deriveBits', 'deriveKey']);
    k.commitment = hex(new Uint8Array(await crypto.subtle.deriveBits(hkdf('member-key'), material, 256)));
    k.aead = await crypto.subtle.deriveKey(hkdf('member-seal'), material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    return k;
  }

  /** seal returns the packet of a message. */
  async seal(message) {
    const iv = crypto.getRandomValues(new Uint8Array(ivSize));
    const box = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: header }, this.aead, message);
    return Uint8Array.of(...header, ...iv, ...new Uint8Array(box));
  }

  /** open returns the message of a packet, undefined if the key does not open it. */
  async open(packet) {
    const iv = packet.slice(header.length, header.length + ivSize);
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: header }, this.aead, packet.slice(header.length + ivSize)));
    } catch {
      return undefined;
    }
  }
}

/** SealingKeys are those of a key provider of livekit-client. */
export class SealingKeys {
  #provider;
  #known = new WeakMap(); // by livekit-client's key
  #held = new Map(); // by participant and index: what is encrypted under, once that was set or ratcheted
  #current = new Map(); // by participant, '' for all: the index that was set last
  #past = []; // what was replaced, the newest first
  #onSet = (k, current) => {
    this.#hold(k);
    if (current) this.#current.set(k.participantIdentity ?? '', k.keyIndex ?? 0);
  };
  #onRatchet = ({ cryptoKey: key }, participantIdentity, keyIndex) => this.#hold({ key, participantIdentity, keyIndex });

  constructor(provider) {
    this.#provider = provider;
    for (const k of provider.getKeys()) this.#hold(k);
    provider.on('setKey', this.#onSet);
    provider.on('keyRatcheted', this.#onRatchet);
  }

  /** stop lets go of the provider. */
  stop() {
    this.#provider.off('setKey', this.#onSet);
    this.#provider.off('keyRatcheted', this.#onRatchet);
  }

  #hold({ key, participantIdentity: identity = '', keyIndex: index = 0 }) {
    const slot = JSON.stringify([identity, index]);
    const old = this.#held.get(slot);
    if (old && old.key !== key) this.#past = [{ ...old, at: Date.now() }, ...this.#past].slice(0, maxPast);
    this.#held.set(slot, { key, identity, index });
  }

  /** of returns the keys that are held of a participant, the one that they encrypt under
   * first as far as that is known, those that were replaced a moment ago at the end. */
  async of(identity) {
    const index = this.#current.get(identity) ?? this.#current.get('') ?? this.#provider.getLatestManuallySetKeyIndex();
    const held = [...this.#held.values()];
    // What a ratchet took the place of, a provider holds on.
    const provided = this.#provider.getKeys().map((k) => ({ key: k.key, identity: k.participantIdentity ?? '' }));
    const past = this.#past.filter((k) => Date.now() - k.at < keyGrace);
    const keys = [];
    for (const k of [...held.filter((h) => h.index === index), ...held, ...provided, ...past]) {
      if (k.identity && k.identity !== identity) continue;
      if (!this.#known.has(k.key)) this.#known.set(k.key, this.#derive(k.key));
      const key = await this.#known.get(k.key);
      if (!keys.includes(key)) keys.push(key);
    }
    return keys;
  }

  /** open returns the message of a participant's packet and the commitment to the key that
   * opened it, undefined where none does. */
  async open(identity, packet) {
    for (const key of await this.of(identity)) {
      const message = await key.open(packet);
      if (message) return [message, key.commitment];
    }
    return undefined;
  }

  // derive makes the AES key as livekit-client's worker does (src/e2ee/utils.ts, 2.23.0).
  async #derive(material) {
    const { ratchetSalt, keySize } = this.#provider.getOptions();
    const { name } = material.algorithm;
    check(name === 'PBKDF2' || name === 'HKDF', 'a room key of another kind');
    const how = name === 'HKDF' ? { info: new Uint8Array(128) } : { iterations: 100_000 };
    const raw = await crypto.subtle.deriveBits({ name, hash: 'SHA-256', salt: bytes(ratchetSalt), ...how }, material, keySize);
    return SealingKey.of(raw);
  }
}

/**
 * unseal returns the message of a peer's packet, undefined if nothing opens it, and the
 * commitment to the key that did, '' for one in the clear. keys is undefined in a room without.
 * encryptionType is not looked at: livekit-client 2.23 leaves it at NONE in what it encrypts.
 */
export async function unseal(keys, p, packet, now) {
  if (!sealed(packet)) return [packet, ''];
  const opened = await keys?.open(p.identity, packet);
  if (opened) {
    Object.assign(p._, { closed: 0, shut: false });
    return opened;
  }
  p._.closed ||= now; // a key may come a little later
  if (!p._.shut && (!keys || now - p._.closed >= keyGrace)) {
    p._.shut = true;
    throw new Trouble('other-key', 'speaks under a key that is not the room\'s');
  }
  return [];
}
