// A simulated room of keys/web's Exchanges: its server may lose, delay, repeat and change what
// is sent. Time is the world's, and randomness is a seed's, but for secrets.
import { Exchange } from '../../web/exchange.js';
import { hmac } from '../../web/node_modules/@noble/hashes/hmac.js';
import { sha256, sha512 } from '../../web/node_modules/@noble/hashes/sha2.js';
import { base64, bytes, hex, sign, Signature, Verifier } from '../../web/note.js';

export const recording = 'ZYXWVTSRQPNMKJHGFEDCBA9876';
const random = (n) => crypto.getRandomValues(new Uint8Array(n));

// cheapKey signs and verifies with HMAC: a room says some thousand things.
function cheapKey() {
  const [key, name, hash] = [random(32), 'sealtape.v1/cheap', hex(random(4))];
  const of = (text) => hmac(sha512, key, bytes(text));
  return { verifier: { name, hash, verify: async (text, sig) => hex(of(text)) === hex(sig) }, sign: async (text) => new Signature(name, hash, of(text)) };
}

async function realKey() {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  const verifier = await Verifier.of(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  return { verifier, sign: (text) => sign(text, verifier, pair.privateKey) };
}

// cheapKEM has the sizes of the hybrid one, and its public keys are secret.
const first = (key, enc, info) => sha256(Uint8Array.of(...key.subarray(0, 32), ...enc.subarray(0, 32), ...info));
const padded = (b, size) => { const all = new Uint8Array(size); all.set(b); return all; };
const cheapKEM = {
  offer() { const secret = random(32); return { private: secret, kem: padded(secret, 1216) }; },
  async sealFirst(kem, info) { const enc = padded(random(32), 1120); return { enc, first: first(kem, enc, info) }; },
  async openFirst(enc, secret, info) { return first(secret, enc, info); },
};

export class World {
  now = 0;
  members = new Map();
  past = [];
  loss = 0;
  sent = 0;
  real = false; // HPKE and Ed25519
  delay = () => 20;
  tamper = (d) => [d];
  #queue = [];
  #n = 0;
  #state;

  constructor(seed) { this.#state = seed; }

  // rand is mulberry32.
  rand() {
    let t = this.#state += 0x6d2b79f5;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  }

  after(ms, f) { this.#queue.push({ at: this.now + ms, n: this.#n++, f }); }

  /** pass lets time go by. */
  async pass(ms, tick = 100) {
    for (const end = this.now + ms; this.now < end;) {
      this.now += tick;
      const due = this.#queue.filter((x) => x.at <= this.now).sort((a, b) => a.at - b.at || a.n - b.n);
      this.#queue = this.#queue.filter((x) => x.at > this.now);
      for (const { f } of due) await f();
      for (const s of this.members.values()) {
        await s.x.tick();
        await s.x.sent;
      }
    }
  }

  /** join lets somebody in, whom the others hear of a little later: when the proof comes. */
  async join(identity, { recorder = false, card, ...config } = {}) {
    const { verifier, sign } = this.real ? await realKey() : cheapKey();
    const s = {
      identity, verifier, recorder, phase: 'recording', nonce: random(32), card: card ?? hex(random(32)), joined: this.now,
      distrusts: new Set(), agrees: false, rings: new Map(), using: -1, ever: new Set(), used: [], wrong: [], why: new Map(), given: [], events: [],
    };
    s.x = new Exchange({
      room: 'weekly', identity, nonce: s.nonce, card: s.card, sign, ...!this.real && { kem: cheapKEM }, listen: recorder,
      send: (to, packet) => this.send(s, to, packet), notify: (e) => this.#notify(s, e), now: () => this.now, date: () => 1.8e12 + this.now, ...config,
    });
    this.members.set(identity, s);
    await s.x.begin();
    for (const o of this.members.values()) {
      if (o === s) continue;
      for (const [a, b] of [[s, o], [o, s]]) this.after(100 + this.rand() * 300, () => this.members.get(a.identity) === a && this.members.get(b.identity) === b && this.see(a, b));
    }
    return s;
  }

  /** see tells s how o stands with it. */
  async see(s, o) {
    await s.x.member({
      identity: o.identity, standing: s.distrusts.has(o.identity) ? 'claimed' : 'verified', nonce: base64(o.nonce), cardHash: o.card, verifier: o.verifier,
      recorder: o.recorder, recording: o.recorder ? recording : '', phase: o.recorder ? o.phase : '',
    });
    if (o.recorder && s.agrees && s.told !== o) await this.decide(s, o, true);
  }

  /** decide has somebody answer a recorder. */
  async decide(s, o, yes) {
    s.agrees = yes;
    s.told = yes ? o : undefined;
    if (yes) await s.x.allow(o.identity, recording, '1'.repeat(64));
    else await s.x.withhold(o.identity, 'consent');
  }

  async leave(s, { bye = false } = {}) {
    this.members.delete(s.identity);
    this.past.push(s);
    if (s.used.length) s.used.at(-1).till = this.now;
    if (bye) {
      await s.x.bye();
      await s.x.sent;
    }
    for (const o of this.members.values()) this.after(this.rand() * 300, () => !this.members.has(s.identity) && o.x.left(s.identity));
  }

  send(s, to, data) {
    for (const name of to ? [to] : [...this.members.keys()]) {
      if (name === s.identity) continue;
      this.sent++;
      for (const d of this.tamper({ from: s.identity, to: name, data, kind: kind(data) })) this.deliver(d);
    }
  }

  deliver(d) {
    if (this.rand() < this.loss) return;
    this.after(this.delay(), () => this.members.get(d.to)?.x.receive(d.from, d.data));
  }

  #notify(s, e) {
    s.events.push({ ...e, key: undefined, at: this.now });
    const ring = s.rings.get(e.identity) ?? new Map();
    s.rings.set(e.identity, ring);
    switch (e.kind) {
      case 'install':
        ring.set(e.index, hex(e.key));
        if (e.identity !== s.identity) s.ever.add(hex(e.key));
        break;
      case 'use':
        if (s.used.length) s.used.at(-1).till = this.now;
        s.using = e.index;
        s.used.push({ key: ring.get(e.index), index: e.index, since: this.now });
        break;
      case 'retire':
        ring.delete(e.index);
        break;
      case 'refused':
        s.wrong.push(`${e.identity}: ${e.trouble}`);
        break;
      case 'given':
        s.given.push(e.identity);
        s.why.delete(e.identity);
        break;
      case 'withheld':
        s.why.set(e.identity, e.why);
        break;
    }
  }

  hears(r, s) {
    if (s.distrusts.has(r.identity) && s.x.config.give !== 'proved') return false;
    return !r.recorder || s.agrees && r.phase === 'recording';
  }

  /** unsettled are those who lack a key that they are to have, or have one that they are not. */
  unsettled() {
    const wrong = [];
    for (const s of this.members.values()) {
      if (s.x.config.listen) continue;
      const key = s.rings.get(s.identity)?.get(s.using);
      if (!key || s.rings.get(s.identity).size !== 1) wrong.push(`${s.identity} has ${s.rings.get(s.identity)?.size} keys of its own`);
      for (const r of this.members.values()) {
        if (r === s) continue;
        const has = r.rings.get(s.identity)?.get(s.using) === key;
        if (this.hears(r, s) && !has) wrong.push(`${r.identity} lacks the key of ${s.identity}`);
        if (!this.hears(r, s) && (has || r.ever.has(key))) wrong.push(`${r.identity} has the key of ${s.identity}`);
      }
      for (const r of this.past) if (r.ever.has(key)) wrong.push(`${r.identity}, who left, has the key of ${s.identity}`);
    }
    return wrong;
  }

  /** early are those who have a key that was out of use before they came. */
  early() {
    const all = [...this.members.values(), ...this.past];
    return all.flatMap((s) => s.used.filter((u) => u.till !== undefined).flatMap((u) => all
      .filter((r) => r !== s && u.till < r.joined && r.ever.has(u.key)).map((r) => `${r.identity} has a key of ${s.identity} from before it came`)));
  }

  /** settle waits until all is right, for so long at most, and returns how long that took. */
  async settle(most) {
    const begun = this.now;
    for (;;) {
      const wrong = this.unsettled();
      if (wrong.length === 0) return this.now - begun;
      if (this.now - begun >= most) throw new Error(`after ${most} ms: ${wrong.slice(0, 5).join('; ')}`);
      await this.pass(100);
    }
  }

  /** wrong is what members were told of one another. */
  get wrong() { return [...this.members.values()].flatMap((s) => s.wrong.map((w) => `${s.identity} of ${w}`)); }
}

export const kind = (data) => new TextDecoder().decode(data.subarray(0, data.indexOf(10))).replace('sealtape.v1/', '');
export const text = (data) => new TextDecoder().decode(data);
