// Signed notes of C2SP (https://c2sp.org/signed-note) with Ed25519, and the encodings
// that cards and messages are made of. As package keys has them in Go.

const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** prefix begins the name of every key: the rest says nothing human. */
export const prefix = 'sealtape.v1/';

/** A Refused is thrown for what is not as it should be. Its message is for people. */
export class Refused extends Error {}

/** check throws unless ok. */
export function check(ok, why) {
  if (!ok) throw new Refused(why);
}

export const bytes = (text) => utf8.encode(text);

/** text decodes UTF-8, and throws if it is none. */
export function text(b) {
  try {
    return strict.decode(b);
  } catch {
    throw new Refused('not UTF-8');
  }
}

export function base64(b) {
  let s = '';
  for (let i = 0; i < b.length; i += 0x8000) s += String.fromCharCode(...b.subarray(i, i + 0x8000));
  return btoa(s);
}

/** unbase64 reads standard base64 with padding, in its one form. */
export function unbase64(s) {
  let b;
  try {
    b = Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
  } catch {
    throw new Refused('not base64');
  }
  check(base64(b) === s, 'base64 in another form');
  return b;
}

export const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
export const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

export async function sha256(b) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', typeof b === 'string' ? bytes(b) : b));
}

/** time formats a moment in whole seconds as RFC 3339 in UTC. */
export const time = (ms) => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');

/** moment reads what time writes, as milliseconds. */
export function moment(s) {
  check(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(s), 'not a time');
  const ms = Date.parse(s);
  check(Number.isFinite(ms) && time(ms) === s, 'not a time');
  return ms;
}

/** A Verifier checks what one key signs. */
export class Verifier {
  #key;

  /** @private */
  constructor(vkey, name, hash, raw, key) {
    Object.assign(this, { vkey, name, hash, raw });
    this.#key = key;
  }

  /** of makes the verifier of a raw Ed25519 key. */
  static async of(raw) {
    const name = prefix + hex((await sha256(raw)).subarray(0, 8));
    const typed = Uint8Array.of(1, ...raw); // 1 is Ed25519
    const hash = hex((await sha256(Uint8Array.of(...bytes(name + '\n'), ...typed))).subarray(0, 4));
    let key;
    try {
      key = await crypto.subtle.importKey('raw', raw, 'Ed25519', true, ['verify']);
    } catch (err) {
      if (err?.name === 'NotSupportedError') throw err; // a browser without Ed25519
      throw new Refused('not an Ed25519 key');
    }
    return new Verifier(`${name}+${hash}+${base64(typed)}`, name, hash, raw, key);
  }

  /** parse reads a verifier key in its one form, NAME+HASH+BASE64. */
  static async parse(vkey) {
    const [, , ...rest] = vkey.split('+');
    const typed = unbase64(rest.join('+'));
    check(typed.length === 33 && typed[0] === 1, 'not an Ed25519 key');
    const v = await Verifier.of(typed.subarray(1));
    check(v.vkey === vkey, 'a key in another form');
    return v;
  }

  /** verify reports whether sig is the key's signature of a text. */
  async verify(message, sig) {
    return crypto.subtle.verify('Ed25519', this.#key, sig, bytes(message));
  }
}

/** A Signature is one line of a note. */
export class Signature {
  constructor(name, hash, sig) {
    Object.assign(this, { name, hash, sig });
  }

  /** by reports whether it is v's signature of a text. */
  async by(v, message) {
    return this.name === v.name && this.hash === v.hash && v.verify(message, this.sig);
  }

  toString() {
    const hash = Uint8Array.from(this.hash.match(/../g), (x) => parseInt(x, 16));
    return `\u2014 ${this.name} ${base64(Uint8Array.of(...hash, ...this.sig))}\n`;
  }
}

/** sign returns the signature of a text by a private key whose verifier is v. */
export async function sign(message, v, privateKey) {
  return new Signature(v.name, v.hash, new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, bytes(message))));
}

/** given is how long the line of an approval is that travels with recordings: a key ID, a
 * time and a signature (archive/FORMAT.md, Approvals). It stands on cards, and counts as no
 * signature here, since it has a key ID of its own. */
const given = 4 + 8 + 64;

/** parseNote takes a note apart. It checks no signature. */
export function parseNote(note) {
  const end = note.lastIndexOf('\n\n');
  check(end > 0 && !/[\x00-\x09\x0b-\x1f]/.test(note), 'not a signed note');
  const message = note.slice(0, end + 1);
  const lines = note.slice(end + 2);
  check(lines.endsWith('\n'), 'not a signed note');
  const signatures = lines.slice(0, -1).split('\n').map((line) => {
    const [dash, name, b64, ...rest] = line.split(' ');
    check(dash === '\u2014' && name?.startsWith(prefix) && b64 && rest.length === 0, 'not a signature line');
    const raw = unbase64(b64);
    check(raw.length === 4 + 64 || raw.length === 4 + given, 'not an Ed25519 signature');
    return new Signature(name, hex(raw.subarray(0, 4)), raw.subarray(4));
  });
  const ids = new Set(signatures.map((s) => s.name + s.hash));
  check(ids.size === signatures.length && signatures.length <= 100, 'a signature twice');
  return { message, signatures };
}

/** Fields reads lines of the form "name: value" in their order. */
export class Fields {
  constructor(message) {
    check(message.endsWith('\n'), 'no line feed at the end');
    this.lines = message.slice(0, -1).split('\n');
  }

  get rest() { return this.lines.length; }
  next() { check(this.lines.length > 0, 'it ends early'); return this.lines.shift(); }
  has(name) { return this.lines[0]?.startsWith(name + ': ') ?? false; }

  field(name) {
    check(this.has(name), `no ${name} where it belongs`);
    return this.next().slice(name.length + 2);
  }

  bytes(name, length) {
    const b = unbase64(this.field(name));
    check(length === undefined || b.length === length, name);
    return b;
  }

  text(name) {
    const b = this.bytes(name);
    check(b.length <= 512, name + ' is too long');
    return text(b);
  }

  hash(name) {
    const v = this.field(name);
    check(/^[0-9a-f]{64}$/.test(v), name);
    return v;
  }

  time(name) { return moment(this.field(name)); }

  number(name) {
    const n = this.count(name);
    check(n > 0, name);
    return n;
  }

  count(name) {
    const v = this.field(name);
    check(/^(0|[1-9][0-9]{0,9})$/.test(v) && Number(v) < 2 ** 31, name);
    return Number(v);
  }

  oneOf(name, ...values) {
    const v = this.field(name);
    check(values.includes(v), name);
    return v;
  }

  end() { check(this.lines.length === 0, 'something follows'); }
}
