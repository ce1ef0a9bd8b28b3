// How a member takes the keys of the others: what it offers them to seal a secret to, what
// it asks for, and what it installs.
import { ahead, Chain, commitment, PairChain, pairInfo } from './chain.js';
import { compose, maxTags, tagSize } from './keymessage.js';
import { hex, sha256 } from './note.js';
import { maxBehind, replacedFor, Ring } from './ring.js';
import { demand, Trouble } from './trouble.js';

const offerFor = 60_000; // an offer that nobody took by then is erased
export const offerEvery = 10_000; // another offer to the same peer
const offerAgain = 30 * 60_000; // a new secret of the pair
const askFast = 500; // so often at first
const askLongest = 8_000;
const fastAsks = 5;
const unheardAsks = 3; // after so many a new secret of the pair is offered
const silentAfter = 40_000;
const otherKey = () => new Trouble('two-keys', 'says that it uses another key than it gave');

/** A Taking is of one Exchange, which calls it one call at a time. */
export class Taking {
  rings = new Map(); // by identity
  #x;

  constructor(exchange) {
    this.#x = exchange;
  }

  #ring(identity) {
    if (!this.rings.has(identity)) this.rings.set(identity, new Ring(identity, (e) => this.#x.emit(e)));
    return this.rings.get(identity);
  }

  /** tick retires keys. */
  async tick(now) {
    for (const [identity, r] of this.rings) {
      await r.tick(now);
      if (r.slots.size === 0 && !r.chain && !this.#x.peers.has(identity)) this.rings.delete(identity);
    }
  }

  /** follow offers a peer what it can seal a secret to, and asks for what is missing. */
  async follow(p, now) {
    if (p.offer ? now - p.offer.made >= offerFor : false) {
      p.dropOffer();
      if (!p.in) p.ask(now); // with another offer
    } else if (!p.offer && (p.generation === 0 || p.in && now - p.inSince >= offerAgain)) {
      await this.#offer(p, now);
    }
    await this.#asks(p, now);
  }

  // offer makes a KEM key for a peer and sends it.
  async #offer(p, now) {
    p.dropOffer();
    const { kem, private: secret } = await this.#x.kem.offer();
    p.generation++;
    Object.assign(p, { offered: now, offer: { generation: p.generation, private: secret, public: kem, made: now } });
    await this.#sendOffer(p);
    if (!p.in) p.ask(now);
  }

  #sendOffer(p) {
    return this.#x.send(p.identity, compose({ ...this.#x.message('session', p), generation: p.offer.generation, kem: p.offer.public }));
  }

  // asks asks for a key that is missing.
  async #asks(p, now) {
    if (p.askAt === undefined || now < p.askAt) return;
    if (p.withheld && !p.doubt || !p.speaks && p.hereNumber > 0) {
      p.satisfied(); // it has none, or gives none and says so
      return;
    }
    if (!p.silent && now - p.asking >= silentAfter) {
      p.silent = true;
      await this.#x.trouble(p.identity, new Trouble('silent', 'does not hand over its key, and does not say why'));
    }
    if (p.offer) await this.#sendOffer(p);
    else if ((!p.in || p.asks >= unheardAsks) && now - p.offered >= offerEvery) await this.#offer(p, now);
    const chain = p.in ? this.rings.get(p.identity)?.number ?? 0 : 0;
    await this.#x.send(p.identity, compose({ ...this.#x.message('want', p), number: ++p.wants, chain }));
    p.asks++;
    p.askAt = now + (p.asks > fastAsks ? Math.min(askFast * 2 ** (p.asks - fastAsks), askLongest) : askFast);
  }

  /** heardSession takes a peer's KEM key. */
  async heardSession(p, m, now) {
    const hash = hex(await sha256(m.kem));
    const t = p.theirs;
    demand(m.generation >= t.generation, 'stale', 'an old KEM key');
    if (m.generation === t.generation) {
      demand(hash === t.hash, 'malformed', 'two KEM keys of one number');
      p.sayEnc = p.enc !== undefined;
    } else {
      demand(t.generation === 0 || now - t.at >= offerEvery / 2, 'flood', 'more KEM keys than are taken');
      p.theirs = { generation: m.generation, hash, public: m.kem, at: now };
      if (m.generation === 1) p.heard = now;
    }
    p.resend = true;
  }

  /** heardWant takes a peer's wish for the key. */
  async heardWant(p, m) {
    demand(m.number > p.wantNumber, 'stale', 'an old wish for a key');
    Object.assign(p, { wantNumber: m.number, resend: true, sayEnc: p.sayEnc || m.chain === 0 && p.enc !== undefined });
  }

  /** heardKey takes a peer's key, or why there is none. */
  async heardKey(p, m, now) {
    const r = this.#ring(p.identity);
    if (!m.box) return this.#heardWhy(p, r, m, now);
    const { pair, opened } = await this.#pairOf(p, m, now);
    if (!pair) return;
    if (!pair.takes(m.serial)) {
      if (m.serial > pair.serial) p.ask(now); // too many were lost
      throw new Trouble('stale', 'a key that came before, or too late');
    }
    const secret = await pair.open(m.serial, m.box, m.before).catch(() => undefined);
    demand(secret, 'box', 'a key that does not open');
    if (opened) {
      p.in?.wipe();
      Object.assign(p, { in: pair, inGeneration: m.generation, inSince: now });
      p.dropOffer();
    }
    const chain = new Chain(m.chain, m.index, secret);
    if (!await this.#taken(p, r, chain, m, now)) chain.wipe();
  }

  // pairOf returns the chain of the pair that a key is sealed by, and whether it is a new
  // one, from the message's enc.
  async #pairOf(p, m, now) {
    if (p.in && m.generation === p.inGeneration) return { pair: p.in };
    if (!p.offer && m.generation === p.generation) {
      // It answers an offer that was erased since: it gives its key after all.
      p.withheld = '';
      p.ask(now);
      p.askAt = Math.min(p.askAt, now);
      return {};
    }
    demand(p.offer && m.generation === p.offer.generation, 'stale', 'a key by a secret that is no longer used');
    if (!m.enc) return {}; // the message with it was lost, and is asked for
    const { room, identity, card, nonce } = this.#x.config;
    const info = await pairInfo({
      room, from: p.identity, to: identity, nonce: p.seat.nonce, answers: nonce, own: p.seat.card, other: card, generation: p.offer.generation, kem: p.offer.public,
    });
    let first;
    try {
      first = await this.#x.kem.openFirst(m.enc, p.offer.private, info);
    } catch {
      throw new Trouble('box', 'a key by a secret that does not open');
    }
    return { pair: new PairChain(first), opened: true };
  }

  // taken installs a chain that a peer gave. It reports whether it keeps it.
  async #taken(p, r, c, m, now) {
    if (c.number < Math.max(r.number, p.withheldChain)) return false; // the server held it back until the next, or a no, had come
    Object.assign(p, { speaks: true, withheld: '' });
    p.satisfied();
    const later = c.number > r.number;
    if (later) {
      await r.take(c, now);
      await this.#x.emit({ kind: 'given', identity: p.identity, note: m.note });
    } else {
      const d = r.chain.distance(c.index);
      if (d <= maxBehind) {
        await r.advance(d, now);
        if (!same(r.chain.secret, c.secret)) await this.#twoKeys(p);
      }
    }
    const q = p.doubt;
    if (q?.chain === r.number) {
      p.doubt = undefined;
      const d = r.chain.distance(q.index);
      if (d <= ahead) {
        const key = await r.at(d);
        if (await commitment(key) !== q.commit) await this.#twoKeys(p);
        key.fill(0);
      }
    }
    return later;
  }

  // heardWhy takes why a peer gives no key. What it gave before goes as if a later chain had
  // come.
  async #heardWhy(p, r, m, now) {
    demand(m.chain >= p.withheldChain && m.chain > r.number, 'stale', 'an old word about its key');
    const changed = p.withheld !== m.why;
    Object.assign(p, { withheld: m.why, withheldChain: m.chain, speaks: true });
    p.satisfied();
    r.leave(now + replacedFor);
    if (changed) await this.#x.emit({ kind: 'withheld', identity: p.identity, why: m.why, note: m.note });
  }

  /** heardWhere takes where a peer says that its key is, which is part of a here. ours says
   * whether this member is among those who get none. */
  async heardWhere(p, m, ours, now) {
    p.speaks = m.chain > 0;
    if (!p.speaks) return;
    const r = this.rings.get(p.identity);
    if (!r || m.chain > r.number) {
      // One that no longer names this member tells that the key was given since, and lost. A
      // list that is full may lack this member.
      const full = m.chain === p.withheldChain && (m.withheld?.length ?? 0) >= tagSize * maxTags;
      if (p.withheld && (ours || full || m.chain < p.withheldChain)) return;
      p.withheld = '';
      p.ask(now);
      return;
    }
    if (m.chain < r.number) return; // the next one was handed out before this was said
    const d = r.chain.distance(m.index);
    if (d > maxBehind) return;
    await r.advance(d, now);
    const key = await r.chain.key();
    const agrees = await commitment(key) === m.commit;
    key.fill(0);
    if (agrees) {
      p.doubt = undefined;
    } else if (!p.doubt) {
      p.doubt = { chain: m.chain, index: m.index, commit: m.commit };
      p.ask(now);
    } else {
      await this.#twoKeys(p);
    }
  }

  // twoKeys reports once that a peer shows members different keys.
  async #twoKeys(p) {
    if (p.twoKeys) return;
    p.twoKeys = true;
    await this.#x.trouble(p.identity, otherKey());
  }

  /** opened notes that a frame of somebody opened under the key at an index. */
  async opened(identity, index, now) {
    const r = this.rings.get(identity);
    if (!r?.chain) return;
    const d = r.chain.distance(index);
    if (d <= ahead) await r.advance(d, now);
  }

  /** missing notes that frames of somebody come under an index at which nothing opens them. */
  missing(identity, index, now) {
    const p = this.#x.peers.get(identity);
    if (!p || p.gone || this.rings.get(identity)?.slots.has(index)) return;
    p.ask(now);
  }

  /** leave retires what a peer gave, after the grace. */
  leave(identity, at) { this.rings.get(identity)?.leave(at); }

  /** clear retires what a peer gave, or what all did, at once. */
  async clear(identity, now) { await this.rings.get(identity)?.clear(now); }
  async clearAll(now) { for (const r of this.rings.values()) await r.clear(now); }
}

const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
