import * as chain from './chain.js';
import { Giving, gatherFor } from './giving.js';
import { Here } from './here.js';
import { compose, isKeyMessage, parse } from './keymessage.js';
import { KeyPeer } from './keypeer.js';
import { maxMessage } from './message.js';
import { base64, bytes, hex, unbase64 } from './note.js';
import { Taking } from './taking.js';
import { demand, Trouble } from './trouble.js';

const maxPeers = 4096;
const maxOutgoing = 8192;
const maxWaiting = 10_000;
const maxSkew = 600_000;
const backWithin = 5_000; // who is listed again by then goes on
const keyGrace = 10_000;

/**
 * An Exchange hands out the keys of one member in one room, and takes those of the others:
 * keys/PROTOCOL.md, "Room keys". It knows nothing of LiveKit, and trusts its caller for who
 * proved what. What it is told it does in order, one thing after another; each method
 * resolves when that is done.
 *
 * Its configuration: room and identity; nonce, the member's, 32 bytes; card, the SHA-256 of its
 * card in hexadecimal; sign(text), which resolves to the signature; give, "verified" or "proved";
 * listen, for who sends nothing encrypted; giveWhilePaused; send(to, packet), to one
 * identity or, with '', to all, reliably and not encrypted; notify(event), which is
 * waited for if it returns a promise, and must not wait for the Exchange. now() is a clock of milliseconds that never goes back,
 * date() is that of the world.
 *
 * Events: { kind: 'install', identity, index, key } (32 bytes, overwritten afterwards),
 * 'use', 'retire', 'given' and 'withheld' (with the signed note), 'refused' (with trouble
 * and detail), 'roster' and 'peer' (what view says of a member changed).
 */
export class Exchange {
  peers = new Map(); // by identity: KeyPeer
  giving = new Giving(this);
  taking = new Taking(this);
  here = new Here(this);
  #outgoing = [];
  #sending = Promise.resolve();
  #pumping = false;
  #queue = Promise.resolve();
  #waiting = 0;
  #ticking = false;
  #over = false;
  #views = new Map(); // by identity: what was last told of it

  constructor(config) {
    this.config = {
      give: 'verified', listen: false, giveWhilePaused: false, now: () => performance.now(), date: () => Date.now(), ...config,
    };
    this.kem = config.kem ?? chain;
    this.seat = { identity: config.identity, card: config.card, nonce: config.nonce };
  }

  // run does one thing after what was asked for before. What fails inside spoils nothing else.
  // identity names whom alone it is about; undefined: it may be about all.
  #run(f, identity) {
    const done = this.#queue.then(async () => {
      if (this.#over) return;
      await f(this.config.now());
      await this.#tell(identity === undefined ? new Set([...this.peers.keys(), ...this.#views.keys()]) : [identity]);
    });
    this.#queue = done.catch((err) => console.warn('room keys could not be followed:', err));
    return done;
  }

  /** begin makes the member's own first key, which is installed and used. */
  begin() {
    return this.#run(async (now) => {
      await this.here.begin(now);
      if (!this.config.listen) await this.giving.begin(now);
    });
  }

  /** tick does what is due. It is to be called each 100 ms. */
  tick() {
    if (this.#ticking) return this.#queue;
    this.#ticking = true;
    return this.#run(async (now) => {
      this.#ticking = false;
      await this.here.look(now);
      for (const p of [...this.peers.values()]) {
        try {
          await this.#follow(p, now);
        } catch (err) {
          console.warn('a member\'s keys could not be followed:', err);
          await this.#forget(p, now);
        }
      }
      await this.here.look(now);
      await this.giving.tick(now);
      await this.here.tick(now);
      await this.taking.tick(now);
    });
  }

  async #follow(p, now) {
    if (p.gone) return;
    if (p.left !== undefined && now - p.left >= backWithin) {
      this.#leave(p, p.left + gatherFor, now);
      return;
    }
    if (p.standing === 'unknown') return;
    await this.here.follow(p, now);
    await this.taking.follow(p, now);
  }

  // leave drops a peer that is gone. What it knew is not used after rotateAt and the time
  // until a fresh chain is used.
  #leave(p, rotateAt, now) {
    p.gone = true;
    this.giving.lose(p, rotateAt, now);
    p.agrees();
    Object.assign(p, { given: 0, holds: false, resend: false, told: '', mute: false, speaks: false });
    p.satisfied();
    this.taking.leave(p.identity, now + keyGrace);
    this.here.stale = true;
  }

  // forget drops all of a peer, whose keys are of no use any more.
  async #forget(p, now) {
    this.giving.lose(p, now + gatherFor, now);
    p.wipe();
    await this.taking.clear(p.identity, now);
    this.peers.delete(p.identity);
    this.here.stale = true;
  }

  /**
   * member tells what a Member found out about somebody: identity, standing, nonce (in
   * base64) and cardHash of its hello, the Verifier of its card, whether it is a recorder,
   * and what it says it does: recording and phase.
   */
  member({ identity, standing, nonce, cardHash, verifier, recorder = false, recording = '', phase = '' }) {
    return this.#run(async (now) => {
      if (!identity || identity === this.config.identity || !nonce) return;
      let p = this.peers.get(identity);
      if (p && (p.seat.session !== nonce || p.seat.card !== cardHash)) {
        // Another session, of the same person or of another: nothing is carried over.
        await this.#forget(p, now);
        p = undefined;
      }
      if (!p) {
        if (standing === 'unknown' || !await this.#room(now)) return;
        const seat = { identity, card: cardHash, session: nonce, nonce: unbase64(nonce) };
        seat.tag = await chain.tag(seat);
        seat.hex = hex(seat.tag);
        this.peers.set(identity, p = new KeyPeer(seat, verifier, now));
      }
      if (standing !== 'unknown') {
        p.left = undefined;
        if (p.gone && !p.bye) {
          Object.assign(p, { gone: false, since: now, heard: now });
          p.ask(now);
        }
      }
      Object.assign(p, { standing, recorder, recording, phase });
      this.here.stale = true;
    }, identity);
  }

  // room makes room for one more peer, and reports whether there is any.
  async #room(now) {
    if (this.peers.size < maxPeers) return true;
    const [oldest] = [...this.peers.values()].filter((p) => p.gone).sort((a, b) => a.since - b.since);
    if (oldest) await this.#forget(oldest, now);
    return oldest !== undefined;
  }

  /** left tells that somebody is no longer in the room's list. Whoever is back within 5 s in
   * the same session goes on. */
  left(identity) {
    return this.#run((now) => {
      const p = this.peers.get(identity);
      if (p) p.left ??= now;
    }, identity);
  }

  /** allow lets a recorder have the key for a recording in a state of this digest. It holds
   * for the recorder's session. It reports whether there is such a recorder. */
  allow(recorder, recording, state) { return this.#decide(recorder, { allowed: true, recording, state, why: '' }); }

  /** withhold takes the key back from a recorder: a fresh one, which it does not get, is used
   * 0.3 s later. why is "consent" or "paused". */
  withhold(recorder, why) { return this.#decide(recorder, { allowed: false, recording: '', state: '', why }); }

  async #decide(recorder, consent) {
    let known = false;
    await this.#run(async (now) => {
      const p = this.peers.get(recorder);
      known = p?.recorder ?? false;
      if (!known) return;
      p.consent = consent;
      await this.giving.tick(now);
    });
    return known;
  }

  /** opened tells that a frame of somebody opened under the key at an index. */
  opened(identity, index) { return this.#run((now) => this.taking.opened(identity, index, now), identity); }

  /** missing tells that frames of somebody come under an index at which nothing opens them. */
  missing(identity, index) { return this.#run((now) => this.taking.missing(identity, index, now), identity); }

  /** seats are those in the room whom this member sees, for roomCode. */
  seats() { return this.here.seats(); }

  /** receive handles a message that came from an identity, as LiveKit reports it. The caller
   * bounds how many come. Messages of other types, for others, and of those who are not
   * proved are ignored. */
  async receive(from, data) {
    if (this.#waiting > maxWaiting || !isKeyMessage(data)) return;
    this.#waiting++;
    await this.#run(async (now) => {
      const p = this.peers.get(from);
      if (!p) return; // what matters is sent again
      try {
        await this.#take(p, data, now);
      } catch (err) {
        if (err instanceof Trouble) {
          await this.trouble(from, err);
        } else {
          console.warn('a member\'s keys could not be followed:', err);
          await this.#forget(p, now);
        }
      }
    }, from).finally(() => this.#waiting--);
  }

  async #take(p, data, now) {
    let m;
    try {
      m = parse(data);
    } catch (err) {
      throw new Trouble('malformed', err.message);
    }
    if (m.to && m.to !== this.config.identity) return; // it was sent to all: some clients cannot do otherwise
    const forAll = m.kind === 'here' || m.kind === 'bye';
    demand(await m.signature.by(p.verifier, m.message), 'signature', `a ${m.kind} that its card's key did not sign`);
    demand(m.room === this.config.room, 'other-room', 'a message for another room');
    demand(m.from === p.identity, 'other-identity', 'a message that was sent under another identity');
    demand(forAll === (m.to === ''), 'other-identity', `a ${m.kind} that is meant for others than it may be`);
    demand(Math.abs(this.config.date() - m.time) <= maxSkew, 'clock', `a message of ${new Date(m.time).toISOString()}`);
    demand(m.nonce === p.seat.session, 'stale', `a ${m.kind} of another session`);
    demand(forAll || m.answers === base64(this.config.nonce), 'stale', `a ${m.kind} for another session`);
    if (p.gone || p.standing === 'unknown') return; // the server says that it is not here
    switch (m.kind) {
      case 'session': return this.taking.heardSession(p, m, now);
      case 'key': return this.taking.heardKey(p, m, now);
      case 'here': return this.here.heard(p, m, now);
      case 'want': return this.taking.heardWant(p, m);
      default:
        p.bye = true;
        this.#leave(p, now + gatherFor, now);
    }
  }

  /** bye tells all that this member leaves, and wipes its secrets. Nothing is sent or taken
   * afterwards. sent resolves when it left. */
  bye() {
    return this.#run(async (now) => {
      this.#outgoing = [];
      await this.send('', compose(this.message('bye')));
      this.#over = true;
      for (const p of this.peers.values()) p.wipe();
      await this.taking.clearAll(now);
      const own = this.giving.chain?.index;
      this.giving.wipe();
      if (own !== undefined) await this.emit({ kind: 'retire', identity: this.config.identity, index: own });
    });
  }

  get sent() { return this.#sending; }

  /** view is what a page shows of a member's keys: mine and theirs, each "given", "" for not
   * yet, or why not: "unverified", "consent", "paused", and for theirs "none", of who sends
   * nothing. */
  view(identity) {
    const p = this.peers.get(identity);
    if (!p || p.gone) return { mine: '', theirs: '' };
    const mine = p.given !== 0 && p.given === this.giving.newest ? 'given' : this.giving.may(p).why;
    const theirs = this.taking.rings.get(identity)?.chain && !p.withheld ? 'given' : p.withheld || (p.hereNumber > 0 && !p.speaks ? 'none' : '');
    return { mine, theirs };
  }

  /** gives reports whether a member says that another has its key. */
  gives(identity, other) {
    const [p, o] = [this.peers.get(identity), this.peers.get(other)];
    return p !== undefined && o !== undefined && !p.gone && p.gives.has(o.seat.hex);
  }

  // tell notifies of what changed for a page.
  async #tell(identities) {
    for (const identity of identities) {
      const p = this.peers.get(identity);
      const now = p && { ...this.view(identity), gives: p.gives };
      const was = this.#views.get(identity);
      if (now?.mine === was?.mine && now?.theirs === was?.theirs && now?.gives === was?.gives) continue;
      if (now) this.#views.set(identity, now);
      else this.#views.delete(identity);
      await this.emit({ kind: 'peer', identity });
    }
  }

  /** @private message begins a message, to one peer or to all. */
  message(kind, to) {
    return {
      kind, room: this.config.room, from: this.config.identity, to: to?.identity ?? '', time: this.config.date(),
      nonce: base64(this.config.nonce), answers: to?.seat.session,
    };
  }

  /** @private send signs a message and queues it. If it is not sent fast enough, the oldest
   * is dropped: everything that matters is sent again. */
  async send(to, text) {
    const packet = bytes(text + '\n' + await this.config.sign(text));
    if (packet.length > maxMessage) throw new Error(`a message of ${packet.length} bytes, where ${maxMessage} may be`);
    if (this.#outgoing.length >= maxOutgoing) this.#outgoing.shift();
    this.#outgoing.push({ to, packet });
    if (!this.#pumping) this.#sending = this.#pump();
  }

  async #pump() {
    this.#pumping = true;
    while (this.#outgoing.length) {
      const { to, packet } = this.#outgoing.shift();
      try {
        await this.config.send(to, packet);
      } catch (err) {
        console.warn('a message about keys was not sent:', err); // what matters is sent again
      }
    }
    this.#pumping = false;
  }

  /** @private */
  emit(event) { return this.config.notify(event); }

  /** @private */
  trouble(identity, { trouble, message }) { return this.emit({ kind: 'refused', identity, trouble, detail: message }); }
}
