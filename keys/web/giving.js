// How a member hands out its own key: what it encrypts under, and who is given that.
import { ahead, Chain, commitment, PairChain, pairInfo } from './chain.js';
import { boxed, compose } from './keymessage.js';
import { freshUse, quickUse } from './ring.js';
import { Trouble } from './trouble.js';

const stepEvery = 1_000; // joins of so long share a step
const gather = 2_000; // leaves of so long share a fresh chain
const freshEvery = 5_000; // leaves make no more of them
const quickEvery = 1_000; // refusals make no more of them, but for two at once
const useFor = 60_000; // then a key is stepped on
const chainFor = 600_000; // then a chain is replaced
const stepsBefore = 3; // steps without saying where the chain is
const freshBy = ahead + 1; // how far a fresh chain begins after the last index
const answerEvery = 400; // a key that is asked for is sent again

/** A Giving is of one Exchange, which calls it one call at a time. */
export class Giving {
  chain = undefined; // in use
  steps = 0; // since all were told where the chain is
  #x;
  #next = undefined; // handed out, and not in use yet
  #nextAt = 0;
  #begun = 0; // when chain was first used
  #stepped = 0; // when the key in use was first used
  #joined = -Infinity; // when the last step for who joined was
  #freshed = -Infinity; // when the last fresh chain was made
  #rotateAt = undefined; // when one is to be made
  #quick = false; // it is for a refusal
  #heedAt = 0; // from then on two refusals can be heeded at once

  constructor(exchange) {
    this.#x = exchange;
  }

  /** newest is the number of the latest chain that was handed out. */
  get newest() { return this.#latest?.number ?? 0; }
  get #latest() { return this.#next ?? this.chain; }

  /** changing reports whether a fresh chain is about to be used. */
  get changing() { return this.#next !== undefined || this.#rotateAt !== undefined; }

  /** begin makes the first chain, and uses it. */
  async begin(now) { await this.#use(Chain.begin(1, 0), now); }

  /** rotate asks for a fresh chain. */
  rotate(at, quick = false) {
    this.#rotateAt = Math.min(this.#rotateAt ?? Infinity, at);
    this.#quick ||= quick;
  }

  /** lose asks for one if somebody who has the key may not have it any longer: at once for a
   * recorder. */
  lose(p, at, now) {
    if (p.given === 0 || p.given !== this.newest) return;
    if (p.recorder) this.rotate(now, true);
    else this.rotate(at);
  }

  wipe() {
    this.chain?.wipe();
    this.#next?.wipe();
    this.chain = this.#next = this.#rotateAt = undefined;
  }

  /** may reports whether a peer is to have the key. Where it is there and is not to have
   * it, why says why not. */
  may(p) {
    if (!p.present || p.mute) return { ok: false, why: '' };
    if (p.standing !== 'verified' && this.#x.config.give !== 'proved') return { ok: false, why: 'unverified' };
    const why = this.#refused(p);
    return { ok: !why, why };
  }

  // refused returns why a recorder is not to have the key by what the person and the recorder
  // say, wherever it is; '' means that it may have it, or is no recorder.
  #refused(p) {
    if (!p.recorder) return '';
    if (!p.consent.allowed && p.consent.why) return p.consent.why;
    if (!p.consent.allowed || !p.recording || p.consent.recording !== p.recording) return 'consent';
    if (p.phase !== 'recording' && !this.#x.config.giveWhilePaused) return 'paused';
    return '';
  }

  // waits reports whether a recorder that is to have the key gets it only later: when it could
  // be taken back at once, twice.
  #waits(p, now) { return p.recorder && now < this.#heedAt; }

  // mayFresh reports whether a fresh chain may be made now. Others do not delay one for a
  // refusal.
  #mayFresh(now) { return this.#quick ? this.#heedAt - now <= quickEvery : now - this.#freshed >= freshEvery; }

  // use makes c the chain in use, which it owns then.
  async #use(c, now) {
    const old = this.chain;
    this.#x.here.hasten(now); // whoever has not got it can ask for it
    this.chain = c;
    this.#begun = this.#stepped = now;
    this.steps = 0;
    await this.#install();
    if (!old) return;
    old.wipe();
    await this.#x.emit({ kind: 'retire', identity: this.#x.config.identity, index: old.index });
  }

  // step moves the chain in use to its next key.
  async #step(now) {
    if (this.steps >= stepsBefore) await this.#x.here.say(now); // or receivers would run out of keys
    const old = this.chain.index;
    await this.chain.step();
    this.#stepped = now;
    this.steps++;
    await this.#install();
    await this.#x.emit({ kind: 'retire', identity: this.#x.config.identity, index: old });
  }

  async #install() {
    const { identity } = this.#x.config;
    const { index } = this.chain;
    const key = await this.chain.key();
    await this.#x.emit({ kind: 'install', identity, index, key });
    key.fill(0);
    await this.#x.emit({ kind: 'use', identity, index });
  }

  /** tick gives the key to whom it is due, and takes it from whom it is not. */
  async tick(now) {
    if (!this.chain) return;
    const peers = [...this.#x.peers.values()];
    if (this.#next && now >= this.#nextAt) {
      const next = this.#next;
      this.#next = undefined;
      await this.#use(next, now);
      for (const p of peers) p.holds = p.given === next.number;
    }
    for (const p of peers) {
      const refused = this.#refused(p) !== '';
      // A recorder that is refused loses the key even while the server does not list it.
      if (!this.may(p).ok && (refused || p.left === undefined)) this.lose(p, now + gather, now);
      // A chain that was made for others, and that this recorder has not got, is used sooner.
      if (refused && p.holds && this.#next) this.#nextAt = Math.min(this.#nextAt, now + quickUse);
    }
    if (!this.#next && now - this.#begun >= chainFor) this.rotate(now);
    if (this.#rotateAt !== undefined && now >= this.#rotateAt && this.#mayFresh(now)) await this.#fresh(now);
    await this.#admit(now);
    if (!this.#next && now - this.#stepped >= useFor) await this.#step(now);
  }

  // fresh makes a fresh chain and hands it to all who are to have it.
  async #fresh(now) {
    const last = this.#latest; // which some have installed already
    const next = Chain.begin(last.number + 1, last.index + freshBy);
    this.#next?.wipe();
    this.#next = next;
    this.#nextAt = now + (this.#quick ? quickUse : freshUse);
    this.#freshed = now;
    if (this.#quick) this.#heedAt = Math.max(this.#heedAt, now) + quickEvery;
    this.#rotateAt = undefined;
    this.#quick = false;
    for (const p of this.#x.peers.values()) {
      if (p.given !== 0 && this.may(p).ok && (p.given === last.number || !this.#waits(p, now))) await this.#give(p, next, now);
    }
  }

  // admit gives the key to those who are to have it and have not, and gives it again to
  // those who asked. The others are told why not.
  async #admit(now) {
    const join = [];
    for (const p of this.#x.peers.values()) {
      if (p.theirs.generation === 0) continue; // nothing can be sealed to it, nor would it understand
      const { ok, why } = this.may(p);
      const asks = p.resend && now - p.answered >= answerEvery;
      if (ok && p.given !== this.newest) {
        if (!this.#waits(p, now) && await this.#pairUp(p)) join.push(p);
      } else if (ok && asks) {
        await this.#giveAgain(p, now);
      } else if (!ok && why && p.given !== this.newest && (p.told !== why || asks)) {
        await this.#deny(p, why, now);
      }
    }
    if (join.length === 0) return;
    if (this.#next) {
      for (const p of join) await this.#give(p, this.#next, now);
    } else if (now - this.#joined >= stepEvery) {
      await this.#step(now);
      this.#joined = now;
      for (const p of join) if (await this.#give(p, this.chain, now)) p.holds = true;
    }
  }

  async #giveAgain(p, now) {
    if (this.#next && p.holds) {
      const enc = p.sayEnc;
      await this.#give(p, this.chain, now);
      Object.assign(p, { sayEnc: enc, given: this.newest });
    }
    await this.#give(p, this.#latest, now);
  }

  // pairUp makes the secret of a pair from the peer's offer, if there is a new one.
  async #pairUp(p) {
    if (!p.theirs.public) return p.out !== undefined;
    const { room, identity, card, nonce } = this.#x.config;
    const kem = p.theirs.public;
    p.theirs.public = undefined;
    let sealed;
    try {
      sealed = await this.#x.kem.sealFirst(kem, await pairInfo({
        room, from: identity, to: p.identity, nonce, answers: p.seat.nonce, own: card, other: p.seat.card, generation: p.theirs.generation, kem,
      }));
    } catch {
      await this.#x.trouble(p.identity, new Trouble('malformed', 'offers a KEM key to which nothing can be sealed'));
      return false;
    }
    p.out?.wipe();
    Object.assign(p, { out: new PairChain(sealed.first), enc: sealed.enc, sayEnc: true });
    return true;
  }

  // give seals a chain for a peer.
  async #give(p, c, now) {
    if (!await this.#pairUp(p)) return false;
    const before = compose({
      ...this.#x.message('key', p), generation: p.theirs.generation, enc: p.sayEnc ? p.enc : undefined, serial: p.out.serial + 1,
      chain: c.number, index: c.index, ...(p.recorder && { recording: p.consent.recording, state: p.consent.state }),
    });
    await this.#x.send(p.identity, boxed(before, await p.out.seal(c.secret, before)));
    Object.assign(p, { sayEnc: false, given: c.number, resend: false, answered: now, told: '' });
    return true;
  }

  // deny tells a peer why it is given no key.
  async #deny(p, why, now) {
    const before = compose({
      ...this.#x.message('key', p), generation: p.theirs.generation, chain: this.newest, index: this.#latest.index, recording: p.recording, why,
    });
    await this.#x.send(p.identity, boxed(before, undefined));
    Object.assign(p, { told: why, resend: false, answered: now });
  }

  /** told is what all are told of the chain in use: the fields of a here. */
  async told() {
    if (!this.chain) return { chain: 0, index: 0 };
    const key = await this.chain.key();
    const commit = await commitment(key);
    key.fill(0);
    this.steps = 0;
    return { chain: this.chain.number, index: this.chain.index, commit };
  }
}

/** gatherFor is how long after a leave a fresh chain is made. */
export const gatherFor = gather;
