import { bech32 } from '@scure/base';

import { base64, bytes, check, equal, Refused, sha256 } from './note.js';

// What the authenticator is asked for: the same bytes for each passkey of each site.
const salt = bytes('sealtape.v1/passkey-identity');
const handleVersion = 1;

/**
 * A Passkey stands for an identity: both its keys follow from the 32 bytes that an
 * authenticator gives for it (WebAuthn's extension prf), see "Passkeys" in PROTOCOL.md.
 * Nothing is stored but the passkey itself. Its manager may bring it to the person's other
 * devices; it belongs to one domain, and is lost with it. So offer the exported file with it.
 */
export class Passkey {
  /** created is when the passkey was made, in milliseconds: that of the card. */
  created;
  #prf;
  #nonce;
  #sum;

  /** @private */
  constructor(prf, handle) {
    check(prf.length === 32, 'the authenticator gives no 32 bytes for the passkey');
    check(handle.length === 33 && handle[0] === handleVersion, 'a passkey that does not stand for an identity of Sealtape');
    this.#prf = prf;
    this.#nonce = handle.slice(1, 17);
    this.created = Number(new DataView(handle.buffer, handle.byteOffset).getBigUint64(17)) * 1000;
    this.#sum = handle.slice(25);
  }

  /**
   * possible says whether this browser may have passkeys that do: undefined where it does not tell.
   * @returns {Promise<boolean|undefined>}
   */
  static async possible() {
    if (!globalThis.PublicKeyCredential || !navigator.credentials) return false;
    const can = await PublicKeyCredential.getClientCapabilities?.();
    return can?.['extension:prf'];
  }

  /**
   * create makes a passkey for the identity of a name and a device. It asks the person twice:
   * to make the passkey, and to use it, for only that shows what it gives. site is what the
   * passkey's manager calls this web app; domain is the page's own if it is not given.
   * @param {{ name: string, device?: string, site?: string, domain?: string }} o
   */
  static async create({ name, device = '', site, domain }) {
    name = name.normalize('NFC');
    device = device.normalize('NFC');
    const handle = await makeHandle({ nonce: crypto.getRandomValues(new Uint8Array(16)), created: Date.now(), name, device });
    const label = device ? `${name}, ${device}` : name;
    const made = await ask(() => navigator.credentials.create({ publicKey: {
      rp: { name: site ?? location.hostname, ...domain && { id: domain } },
      user: { id: handle, name: label, displayName: label },
      challenge: crypto.getRandomValues(new Uint8Array(16)),
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      extensions: { prf: { eval: { first: salt } } },
    } }));
    const { prf } = made.getClientExtensionResults();
    check(prf?.enabled || prf?.results?.first, 'passkeys of this device give no keys (they lack the extension prf): use a file');
    const passkey = await Passkey.open({ domain, id: new Uint8Array(made.rawId) });
    // An authenticator that gave other bytes now would give others tomorrow.
    if (prf.results?.first) check(equal(buffer(prf.results.first), passkey.#prf), 'the passkey does not give the same keys twice: use a file');
    return passkey;
  }

  /**
   * open asks the person for one of the domain's passkeys.
   * @param {{ domain?: string, id?: Uint8Array }} [o]
   */
  static async open({ domain, id } = {}) {
    const found = await ask(() => navigator.credentials.get({ publicKey: {
      ...domain && { rpId: domain },
      allowCredentials: id ? [{ type: 'public-key', id }] : [],
      challenge: crypto.getRandomValues(new Uint8Array(16)),
      userVerification: 'required',
      extensions: { prf: { eval: { first: salt } } },
    } }));
    const first = found.getClientExtensionResults().prf?.results?.first;
    check(first, 'this passkey gives no keys (its device lacks the extension prf): use a file');
    return new Passkey(buffer(first), buffer(found.response.userHandle ?? new ArrayBuffer(0)));
  }

  /** checkName refuses a name and a device that the identity was not made with. */
  async checkName(name, device = '') {
    const sum = await nameSum(this.#nonce, name.normalize('NFC'), device.normalize('NFC'));
    check(equal(sum, this.#sum), 'the card of this passkey has another name or device');
  }

  /** keys returns both secrets: an age identity, and the seed of the signing key. */
  async keys() { return deriveKeys(this.#prf); }
}

/** deriveKeys derives both keys of an identity from what a passkey gives. */
export async function deriveKeys(prf) {
  const material = await crypto.subtle.importKey('raw', prf, 'HKDF', false, ['deriveBits']);
  const derive = async (label) => new Uint8Array(await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: bytes(`sealtape.v1/${label}`) }, material, 256));
  const secret = bech32.encodeFromBytes('AGE-SECRET-KEY-PQ-', await derive('passkey-age')).toUpperCase();
  return { secret, seed: await derive('passkey-signing') };
}

/** makeHandle returns what the passkey's user handle has of the card. */
export async function makeHandle({ nonce, created, name, device }) {
  const seconds = new DataView(new ArrayBuffer(8));
  seconds.setBigUint64(0, BigInt(Math.floor(created / 1000)));
  return Uint8Array.of(handleVersion, ...nonce, ...new Uint8Array(seconds.buffer), ...await nameSum(nonce, name, device));
}

/** nameSum is what the passkey keeps of the name: so that another is noticed, and none is
 * told to whoever holds the device. */
async function nameSum(nonce, name, device) {
  const sum = await sha256(`sealtape.v1/passkey-card\nnonce: ${base64(nonce)}\nname: ${base64(bytes(name))}\ndevice: ${base64(bytes(device))}\n`);
  return sum.subarray(0, 8);
}

/** ask puts the browser's refusals into words. */
async function ask(question) {
  try {
    const answer = await question();
    check(answer, 'no passkey was used');
    return answer;
  } catch (err) {
    if (err.name === 'NotAllowedError' || err.name === 'AbortError') throw new Refused('no passkey was used');
    if (err.name === 'NotSupportedError' || err.name === 'SecurityError') throw new Refused(`this browser does not use passkeys here: ${err.message}`);
    throw err;
  }
}

// An extension of a known password manager gives a list of numbers.
const buffer = (b) => b instanceof ArrayBuffer ? new Uint8Array(b) : ArrayBuffer.isView(b) ? new Uint8Array(b.buffer, b.byteOffset, b.byteLength) : Uint8Array.from(b);
