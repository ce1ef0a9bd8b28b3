// The arithmetic of room keys: pairs, their boxes, senders' chains, rosters. As Go's
// keys/roomkeys; ../testdata/roomkeys.json has vectors.
import { hmac as mac } from '@noble/hashes/hmac.js';
import { sha256 as digest } from '@noble/hashes/sha2.js';
import { MLKEM768X25519 } from '@noble/post-quantum/hybrid.js';

import { spell } from './fingerprint.js';
import { base64, bytes, check, hex, prefix, sha256 } from './note.js';

export const ahead = 4; // keys that a receiver installs beyond the present one
export const indexes = 256;
const size = 32;
const maxSkip = 64;
const none = new Uint8Array(0);

function join(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  parts.reduce((at, p) => (all.set(p, at), at + p.length), 0);
  return all;
}

// WebCrypto would be asked twice for each of these few bytes, and wait both times.
const hmac = async (key, message) => mac(digest, key, message);

// HPKE (RFC 9180) in base mode: KEM 0x647a, KDF HKDF-SHA256, AEAD AES-256-GCM. Only the
// exporter is needed, so the key schedule makes nothing else.
const suite = join(bytes('HPKE'), [0x64, 0x7a, 0, 1, 0, 2]);
const extract = (salt, label, ikm) => hmac(salt, join(bytes('HPKE-v1'), suite, bytes(label), ikm));
// expand makes 32 bytes, which are one block of HKDF.
const expand = (secret, label, info) => hmac(secret, join([0, size], bytes('HPKE-v1'), suite, bytes(label), info, [1]));

async function exported(shared, info) {
  const context = join([0], await extract(none, 'psk_id_hash', none), await extract(none, 'info_hash', info));
  const secret = await extract(shared, 'secret', none);
  return expand(await expand(secret, 'exp', context), 'sec', bytes(prefix + 'pair'));
}

/** offer makes the KEM key that a pair's first secret is sealed to: both are bytes. */
export function offer() {
  const { publicKey, secretKey } = MLKEM768X25519.keygen();
  return { kem: publicKey, private: secretKey };
}

/** sealFirst makes the first secret of a pair for the owner of a KEM key. */
export async function sealFirst(kem, info) {
  const { cipherText, sharedSecret } = MLKEM768X25519.encapsulate(kem);
  const first = await exported(sharedSecret, info);
  sharedSecret.fill(0);
  return { enc: cipherText, first };
}

/** openFirst returns the first secret of a pair. The caller then overwrites the private key. */
export async function openFirst(enc, secretKey, info) {
  const shared = MLKEM768X25519.decapsulate(enc, secretKey);
  const first = await exported(shared, info);
  shared.fill(0);
  return first;
}

/** pairInfo is what the first secret of a pair is bound to. Nonces are bytes, hashes in hexadecimal. */
export async function pairInfo({ room, from, to, nonce, answers, own, other, generation, kem }) {
  const t = (s) => base64(bytes(s));
  return bytes(
    `${prefix}pair\nroom: ${t(room)}\nfrom: ${t(from)}\nto: ${t(to)}\nnonce: ${base64(nonce)}\nanswers: ${base64(answers)}\n` +
      `own: ${own}\nother: ${other}\ngeneration: ${generation}\nkem: ${hex(await sha256(kem))}\n`,
  );
}

/** A PairChain seals or opens the boxes of one pair, in order. It overwrites what it used. */
export class PairChain {
  #secret;
  serial = 0; // of the last box

  constructor(first) {
    this.#secret = first;
  }

  static async #box(key) {
    return crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
  }

  static #how = (text) => ({ name: 'AES-GCM', iv: new Uint8Array(12), additionalData: bytes(text) });

  /** seal returns the next box. text is the message's, up to the box. */
  async seal(chainSecret, text) {
    const key = await hmac(this.#secret, Uint8Array.of(1));
    const next = await hmac(this.#secret, Uint8Array.of(2));
    this.#move(next, this.serial + 1);
    return new Uint8Array(await crypto.subtle.encrypt(PairChain.#how(text), await PairChain.#box(key), chainSecret));
  }

  /** takes reports whether open takes a serial. */
  takes(serial) { return serial > this.serial && serial <= this.serial + 1 + maxSkip; }

  /** open opens the box of a greater serial. If that fails, the chain stays where it was. */
  async open(serial, box, text) {
    check(this.takes(serial), 'a key that came before, or too many are missing');
    let secret = this.#secret;
    for (let at = this.serial + 1; at < serial; at++) secret = await hmac(secret, Uint8Array.of(2));
    const key = await hmac(secret, Uint8Array.of(1));
    const opened = new Uint8Array(await crypto.subtle.decrypt(PairChain.#how(text), await PairChain.#box(key), box));
    this.#move(await hmac(secret, Uint8Array.of(2)), serial);
    return opened;
  }

  wipe() { this.#secret.fill(0); }

  #move(next, serial) {
    this.wipe();
    this.#secret = next;
    this.serial = serial;
  }
}

/** mediaKey is the key at a chain's index, as raw material for LiveKit's HKDF. */
export const mediaKey = (chainSecret) => hmac(chainSecret, bytes('key'));
/** nextSecret is that of the next index. */
export const nextSecret = (chainSecret) => hmac(chainSecret, bytes('next'));

/** A Chain is a sender's at one index: whoever knows it can make the keys of this index and
 * of all that follow, and of none before. It owns its secret. */
export class Chain {
  constructor(number, index, secret) {
    Object.assign(this, { number, index: index % indexes, secret });
  }

  /** begin makes a fresh one. */
  static begin(number, index) { return new Chain(number, index, crypto.getRandomValues(new Uint8Array(size))); }

  /** key is the media key at the index. */
  key() { return mediaKey(this.secret); }

  /** step moves it to the next index. What was before cannot be calculated any more. */
  async step() {
    const next = await nextSecret(this.secret);
    this.wipe();
    Object.assign(this, { secret: next, index: (this.index + 1) % indexes });
  }

  /** copy is another chain at the same index. */
  copy() { return new Chain(this.number, this.index, this.secret.slice()); }

  /** distance is how many steps an index lies ahead, in the ring. */
  distance(index) { return (index - this.index + indexes) % indexes; }

  wipe() { this.secret.fill(0); }
}

/** commitment is how a sender says which key it uses, in hexadecimal. */
export const commitment = async (key) => hex(await sha256(join(bytes(prefix + 'commit\n'), key)));

const line = ({ identity, card, nonce }) => `member: ${base64(bytes(identity))} ${card} ${base64(nonce)}\n`;
const lines = (seats) => seats.map(line).sort().join('');

/** tag names a seat among those who get no key: 8 bytes. */
export const tag = async (seat) => (await sha256(line(seat))).slice(0, 8);
/** rosterHash is that of all seats, one's own among them, in hexadecimal. */
export const rosterHash = async (seats) => hex(await sha256(lines(seats)));

/** roomCode returns eight words, the same for all who see the same seats and recorder. */
export async function roomCode(seats, recorder = '') {
  const k = await crypto.subtle.importKey('raw', bytes(lines(seats) + recorder), 'PBKDF2', false, ['deriveBits']);
  const bits = new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: bytes(prefix + 'room-code'), iterations: 2 ** 18 }, k, 88));
  return spell(bits, 8);
}
