/**
 * Verified membership for web apps on LiveKit: keys/PROTOCOL.md, over a Room of
 * livekit-client. It makes or loads an identity, proves it to the other members,
 * verifies them and the recorder, and answers whether one may be recorded.
 *
 *   import { Identity, Member, Pins, Shelf } from './member.js';
 *   const shelf = new Shelf();
 *   let identity = await Identity.load(shelf);
 *   if (!identity) await (identity = await Identity.generate({ name: 'Ada' })).save(shelf);
 *   const pins = await Pins.load(shelf, identity.card);
 *   const member = new Member({ room, identity, pins });   // room is connected
 *   member.addEventListener('peer', (e) => show(e.detail));      // a Peer changed
 *   member.addEventListener('trouble', (e) => warn(e.detail));   // { identity, trouble, detail }
 *   await member.start();
 *
 * It needs WebCrypto with Ed25519 and, for age identities, the npm package
 * age-encryption. Nothing else is loaded, and nothing is sent but to the room.
 */
import { Assembly } from './assembly.js';
import { Card } from './card.js';
import { Answer } from './consent.js';
import { compose, maxMessage, meetingCode, OtherVersion, parse, parts, topic } from './message.js';
import { base64, bytes, check, hex, Refused, sha256 } from './note.js';
import { Peer, silentAfter } from './peer.js';
import { Taken } from './pins.js';
import { SealingKeys, unseal } from './sealing.js';
import { Telling } from './telling.js';
import { demand, Trouble } from './trouble.js';
import { Unlisted } from './unlisted.js';

export { Card } from './card.js';
export { Identity } from './identity.js';
export { topic } from './message.js';
export { Refused } from './note.js';
export { Pins, Taken } from './pins.js';
export { Drawer, Shelf } from './store.js';

const maxSkew = 600_000;
const repeatEvery = 30_000;
const firstRetry = 2_000;
const maxHellos = 5;
const hailAgain = 1_000; // whose hello was answered less than this ago gets no other answer
const rejudgeEvery = 30_000;
const maxVisits = 64; // of one identity, until it leaves
const maxPeers = 4096;

export class Member extends EventTarget {
  #room;
  #id;
  #pins;
  #nonce = base64(crypto.getRandomValues(new Uint8Array(32)));
  #own = '';
  #peers = new Map();
  #timer;
  #queue = Promise.resolve(); // messages are taken one after another
  #waiting = 0;
  #tells = new Telling(); // as a recorder
  #answers = new Map(); // what recorders were answered
  #numbered = 0; // of the last answer
  #unlisted;
  #handlers;
  #keys; // undefined in a room without, and where the members make them
  #made; // by the members
  #sid = ''; // '' while the server has not said it

  /**
   * keyProvider is the one of the room's options, unless it is given. Where the members make
   * the room's keys themselves, RoomKeys gives in its place keys: send(to, packet), in the clear,
   * and others(identity, message), which takes messages that are not a Member's.
   */
  constructor({ room, identity, pins, keys, keyProvider = room.options?.encryption?.keyProvider ?? room.options?.e2ee?.keyProvider }) {
    super();
    if (!keys && !keyProvider && room.hasE2EESetup) throw new Refused('the room is end-to-end encrypted: its keyProvider is needed');
    this.#keys = keys ? undefined : keyProvider && new SealingKeys(keyProvider);
    this.#made = keys;
    this.#room = room;
    this.#id = identity;
    this.#pins = pins;
    this.#unlisted = new Unlisted({ room, peers: this.#peers, keys: this.#keys, report: (trouble, detail) => this.#trouble('', trouble, detail) });
  }

  /** start says hello. The room must be connected. */
  async start() {
    this.#learnSid();
    await this.prepare();
    this.#handlers = {
      participantConnected: (p) => this.#joined(p.identity),
      participantDisconnected: (p) => {
        this.#peers.delete(p.identity);
        this.#unlisted.left(p.identity);
      },
      dataReceived: (data, p, _kind, t) => t === topic && this.#receive(p?.identity ?? '', data),
      reconnected: () => this.#back(),
    };
    for (const [event, f] of Object.entries(this.#handlers)) this.#room.on(event, f);
    this.#timer = setInterval(() => this.#tick(Date.now()), 1000);
    await this.#send('', { kind: 'hello', card: this.#id.card.note });
    for (const p of this.#room.remoteParticipants.values()) this.#joined(p.identity);
  }

  /** prepare makes ready what session returns: nonce and cardHash of this member's hello. */
  async prepare() { this.#own = hex(await sha256(this.#id.card.note)); }
  get session() { return { nonce: this.#nonce, cardHash: this.#own }; }

  // The server may say the SID only some time after joining: nobody is proved before.
  async #learnSid() { this.#sid = await this.#room.getSid().catch(() => ''); }

  // What was sent to those whom the client found while it came back may be lost.
  async #back() {
    await this.#learnSid();
    for (const p of this.#peers.values()) if (!p._.proved) this.#greet(p, Date.now(), 0);
  }

  /** stop ends it. The room stays. */
  stop() {
    this.#keys?.stop();
    clearInterval(this.#timer);
    for (const [event, f] of Object.entries(this.#handlers ?? {})) this.#room.off(event, f);
    for (const a of this.#answers.values()) a.end(new Refused('the member has left'));
  }

  /** peers returns the other participants. */
  peers() { return [...this.#peers.values()]; }

  /** has reports whether one is there. */
  has(identity) { return this.#peers.has(identity); }

  /** peer returns one of them; one who is not known is unknown. */
  peer(identity) { return this.#peers.get(identity) ?? new Peer(identity); }

  /** recorder returns the verified recorder of the room, undefined where there is none. */
  get recorder() { return this.peers().find((p) => p.recorder && p.standing === 'verified'); }

  /** code is the meeting code, '' where no verified recorder told one. All verified
   * members see the same: read it to one another. */
  get code() { return this.recorder?.code ?? ''; }

  /** pin pins the card that a peer proved; see Pins.add. */
  async pin(identity, how) {
    const p = this.#peers.get(identity);
    if (!p?.card) throw new Refused('there is no card of this participant');
    await this.#pins.add(p.card, how);
    await this.#settle(p);
    this.#changed(p);
  }

  /**
   * answer tells a recorder whether one may be recorded, and resolves when that has
   * acknowledged it. It is said again until then. A promise that is rejected means that
   * nobody knows whether the answer counts: the recorder did not acknowledge it within the
   * time, in milliseconds, or another answer was given; or that a no stands which this does
   * not lift. A no is said on all the same; a yes is not, but may have arrived: a no settles it.
   */
  async answer(recorder, yes, { timeout = silentAfter } = {}) {
    const p = this.#peers.get(recorder);
    if (!p?.recorder || !p.state.recording) throw new Refused('this participant has not announced that it records');
    const to = this.#asks(p);
    this.#answers.get(to)?.end(new Refused('another answer took its place'));
    const a = new Answer(++this.#numbered, yes ? 'yes' : 'no', Date.now());
    this.#answers.set(to, a);
    const timer = setTimeout(() => {
      if (a.end(new Refused('the recorder has not acknowledged the answer')) && yes && this.#answers.get(to) === a) this.#answers.delete(to);
    }, timeout);
    this.#repeat(p, Date.now());
    try {
      await a.done;
    } finally {
      clearTimeout(timer);
    }
  }

  // asks is whom an answer is for: no other card under the identity, no other recording.
  #asks(p) { return [p.state.recording, p.card.key, p.identity].join(' '); }

  async #repeat(p, now) {
    if (!p.recorder || !p._.proved) return;
    const a = this.#answers.get(this.#asks(p));
    if (!a?.due(now)) return;
    const { recording } = p.state;
    await this.#send(p.identity, { kind: 'consent', answers: p._.hello.nonce, recording, sequence: p._.whole, number: a.number, answer: a.answer });
  }

  /**
   * askAgain makes every yes count no more until it is said again, for a recorder that was
   * away: it cannot have heard who took theirs back. A no stands.
   */
  async askAgain() {
    if (!this.#tells.state) return;
    this.#tells.asksNext();
    for (const p of this.#peers.values()) {
      if (!p.yes) continue;
      Object.assign(p, { answered: 0, yes: false });
      p._.voided = true;
      this.#changed(p);
    }
    await this.announce(this.#tells.state);
  }

  /** announce makes this member a recorder that says what it does: phase, recording,
   * access, policy, keeps, consent, store, readers [{fingerprint, name}]. */
  async announce(state) {
    check(this.#id.card.role === 'recorder', 'one\'s own card is not a recorder\'s');
    await this.#tells.set(state);
    await this.#tell();
  }

  async #tell(to) {
    const { state, sequence } = this.#tells;
    if (!to) this.#tells.told = Date.now();
    const proved = [...to ? [to] : this.#peers.values()].filter((p) => p._.proved);
    for (const p of proved) if (p._.confirmed < sequence) p._.owes ||= Date.now();
    for (const part of parts(state)) await this.#send(to?.identity ?? '', { kind: 'recorder', sequence, part });
    for (const p of proved) if (p._.voided || to && state.consent === 'ask' && state.recording) await this.#note(p);
  }

  // note tells a member what this recorder has of it.
  async #note(p) {
    const answer = p.yes ? 'yes' : p.answered ? 'no' : 'none';
    await this.#send(p.identity, { kind: 'noted', answers: p._.hello.nonce, recording: this.#tells.state.recording, number: p._.number, answer });
  }

  async #send(to, fields) {
    let key;
    if (this.#keys && !(key = (await this.#keys.of(this.#room.localParticipant.identity))[0])) return; // what matters is said again
    const message = compose({ key: key?.commitment, sid: this.#sid, room: this.#room.name, from: this.#room.localParticipant.identity, to, time: Date.now(), nonce: this.#nonce, ...fields });
    let packet = bytes(message + '\n' + await this.#id.sign(message));
    if (packet.length > maxMessage) throw new Refused(`a message of ${packet.length} bytes, where ${maxMessage} may be`);
    if (key) packet = await key.seal(packet);
    try {
      if (this.#made) await this.#made.send(to, packet);
      else await this.#room.localParticipant.publishData(packet, { reliable: true, topic, ...(to && { destinationIdentities: [to] }) });
    } catch (err) {
      console.warn('a membership message was not sent:', err); // what matters is said again
    }
  }

  #peer(identity) {
    let p = this.#peers.get(identity);
    if (!p && identity && identity !== this.#room.localParticipant.identity && this.#peers.size < maxPeers) {
      this.#peers.set(identity, p = new Peer(identity));
      p.answered = this.#tells.refusals.of(identity);
    }
    return p;
  }

  #joined(identity) {
    const p = this.#peer(identity);
    if (!p || p._.here) return;
    Object.assign(p._, { here: true, since: Date.now() });
    this.#greet(p, Date.now());
    this.#changed(p);
  }

  #greet(p, now, tries = p._.helloed) {
    Object.assign(p._, { next: now + firstRetry * 2 ** tries, helloed: Math.min(tries + 1, maxHellos) });
    return this.#hail(p, now);
  }

  // hail says hello, and does not again if there is no answer.
  #hail(p, now) {
    if (p._.hello) p._.hailed = now;
    return this.#send(p.identity, { kind: 'hello', answers: p._.hello?.nonce, card: this.#id.card.note });
  }

  // changed says nothing of who left while something of theirs was being looked at: they would
  // seem to be back.
  #changed(p) {
    if (this.#peers.get(p.identity) === p) this.dispatchEvent(new CustomEvent('peer', { detail: p }));
  }

  #trouble(identity, trouble, detail) {
    this.dispatchEvent(new CustomEvent('trouble', { detail: { identity, trouble, detail } }));
  }

  #receive(from, data) {
    const now = Date.now();
    if (!from) return void this.#unlisted.heard(data);
    const p = this.#peer(from);
    if (!p) return;
    if (!p._.budget.take(now) || this.#waiting > 10_000) {
      if (!p._.budget.warned) this.#trouble(from, 'flood', 'more messages than are taken');
      p._.budget.warned = true;
      return;
    }
    p._.budget.warned = false;
    this.#waiting++;
    this.#queue = this.#queue.then(() => this.#take(p, data)).finally(() => this.#waiting--);
  }

  async #take(p, data) {
    if (this.#peers.get(p.identity) !== p) return; // left meanwhile
    try {
      let m;
      const [message, under] = await unseal(this.#keys, p, data, Date.now());
      if (!message) return;
      try {
        m = parse(message);
      } catch (err) {
        if (!(err instanceof OtherVersion)) throw new Trouble('malformed', err.message);
        if (p._.versions) return;
        p._.versions = true;
        throw new Trouble('version', 'speaks another version');
      }
      if (!m) return void await this.#made?.others(p.identity, message);
      if (this.#keys && !under && !(m.kind === 'consent' && m.answer === 'no')) {
        // The server can have written it. A no counts whoever wrote it.
        if (p._.clear) return;
        p._.clear = true;
        throw new Trouble('plaintext', 'speaks in the clear, where the room has keys');
      }
      m.under = under;
      // Where data is encrypted livekit-client has no other way than to send to all.
      if (m.to && m.to !== this.#room.localParticipant.identity) p._.budget.back();
      else await this.#message(p, m, Date.now());
    } catch (err) {
      if (!(err instanceof Trouble)) { // of the browser's: the next message is not to suffer from it
        console.warn('a membership message was not taken:', err);
        return;
      }
      this.#trouble(p.identity, err.trouble, err.message);
    }
  }

  async #message(p, m, now) {
    let card = p.card;
    if (m.kind === 'hello') {
      try {
        card = await Card.parse(m.card);
      } catch (err) {
        throw new Trouble('card', err.message);
      }
    } else if (!card) {
      return; // its hello comes later; then it says this again
    }
    demand(await m.signature.by(card.verifier, m.message), 'signature', `not signed by the key of ${card.name}`);
    demand(m.room === this.#room.name, 'other-room', 'a message for another room');
    demand(m.from === p.identity, 'other-identity', 'a message that was sent under another identity');
    demand(Math.abs(now - m.time) <= maxSkew, 'clock', `a message of ${new Date(m.time).toISOString()}`);
    if (m.kind !== 'hello' && m.kind !== 'recorder') {
      demand(m.to, 'other-identity', 'an answer that was meant for nobody');
      demand(m.answers === this.#nonce && m.nonce === p._.hello.nonce, 'stale', 'an answer of another session');
    }
    await this[`_${m.kind}`](p, m, card, now);
  }

  /** @private */
  async _hello(p, m, card, now) {
    const sum = hex(await sha256(m.card));
    const visit = m.nonce + sum;
    demand(!p._.over.has(visit), 'stale', 'a hello of a session that is over');
    demand(card.key !== this.#id.card.key, 'impostor', 'says hello with this member\'s own card');
    const again = p._.hello && p._.hello.nonce + p._.cardHash === visit;
    const standing = await this.#standing(card, (why) => this.#trouble(p.identity, 'impostor', why));
    let other = false;
    if (!again) {
      if (p._.hello) {
        demand(p._.over.size < maxVisits, 'flood', 'more sessions than are followed');
        p._.over.add(p._.hello.nonce + p._.cardHash);
        Object.assign(p._, { helloed: 0, hailed: 0 });
        // The server may have put someone else in the place of who was here: what was
        // proved and said before is not theirs.
        other = p._.cardHash !== sum;
      }
      Object.assign(p._, { began: Date.now(), silent: false, proved: false, assembly: new Assembly(), whole: 0, confirmed: 0, owes: 0, number: 0, voided: false });
      Object.assign(p, { seen: false, recorder: false, state: undefined, code: '', answered: this.#tells.refusals.of(p.identity), yes: false });
    }
    Object.assign(p._, { hello: m, cardHash: sum });
    p.card = card;
    if (m.answers !== this.#nonce) { // it does not have ours
      if (p._.helloed === 0) await this.#greet(p, now);
      else if (now - p._.hailed >= hailAgain) await this.#hail(p, now);
    }
    // Who says hello again has not got our proof, whatever we have of theirs.
    if (!this.#sid) await this.#learnSid();
    if (this.#sid) await this.#send(p.identity, { kind: 'proof', answers: m.nonce, own: this.#own, other: sum });
    this.#stand(p, standing);
    if (!again) this.#changed(p);
    demand(!other, 'other-card', 'says hello with another card than before');
  }

  /** @private */
  async _proof(p, m) {
    demand(m.sid === this.#sid, 'other-room', 'a proof for another room of this name');
    demand(m.key === m.under, 'other-key', 'a proof for a room of another key');
    demand(m.own === p._.cardHash, 'other-card', 'a proof for another card than that of its hello');
    demand(m.other === this.#own, 'swapped', 'was shown another card as this member\'s');
    if (p._.proved) return;
    Object.assign(p._, { proved: true, silent: false, judged: Date.now() });
    await this.#settle(p);
    this.#changed(p);
    if (this.#tells.state) await this.#tell(p);
  }

  async #standing(card, taken = () => {}) {
    try {
      return await this.#pins.standing(card);
    } catch (err) {
      if (err instanceof Taken) {
        taken(err.message);
        return 'stranger';
      }
      throw new Trouble('card', err.message);
    }
  }

  // judge looks again at a card that may have expired, or been revoked or pinned, since.
  async #judge(p, now) {
    const before = p.standing;
    p._.judged = now;
    try {
      await this.#settle(p);
    } catch (err) {
      p.standing = 'unknown';
      if (before !== 'unknown') this.#trouble(p.identity, err.trouble ?? 'card', err.message);
    }
    if (p.standing !== before) this.#changed(p);
  }

  async #settle(p) { this.#stand(p, await this.#standing(p.card)); }

  #stand(p, standing) {
    if (!p._.proved) p.standing = 'unknown';
    else p.standing = standing === 'stranger' ? 'claimed' : 'verified';
  }

  /** @private */
  async _recorder(p, m, _card, now) {
    demand(m.nonce === p._.hello.nonce, 'stale', 'the state of another session');
    if (!p._.proved) return; // it tells it again once it is
    demand(p.card.role === 'recorder', 'impostor', 'says that it records, with the card of a member');
    Object.assign(p._, { heard: now, silent: false });
    const { state, lines, again } = p._.assembly.take(m);
    if (again) await this.#confirm(p); // the answer may have been lost
    if (!state) return;
    // All at once: a yes between two of these would be to what nobody saw.
    const digest = hex(await sha256(lines));
    const code = await meetingCode(this.#room.name, p.card.key, state);
    Object.assign(p._, { digest, whole: m.sequence });
    Object.assign(p, { state, code, recorder: true });
    await this.#confirm(p);
    this.#changed(p);
  }

  #confirm(p) {
    return this.#send(p.identity, { kind: 'seen', answers: p._.hello.nonce, sequence: p._.whole, digest: p._.digest });
  }

  /** @private */
  async _seen(p, m) {
    demand(this.#tells.digest(m.sequence) === m.digest, 'stale', 'an answer to another state than was announced');
    if (!p._.proved) return; // it is asked again
    const now = Date.now();
    Object.assign(p._, { heardOf: now, silent: false });
    if (m.sequence > p._.confirmed) Object.assign(p._, { confirmed: m.sequence, owes: now });
    if (p._.confirmed === this.#tells.sequence) p._.owes = 0;
    if (p.seen) return;
    p.seen = true;
    this.#changed(p);
  }

  /** @private */
  async _consent(p, m) {
    demand(m.recording === this.#tells.state?.recording, 'stale', 'an answer about another recording');
    demand(m.sequence <= this.#tells.sequence, 'stale', 'an answer to a state that was not announced');
    if (this.#tells.decide(p, m)) this.#changed(p);
    await this.#note(p);
  }

  /** @private */
  async _noted(p, m, _card, now) {
    if (!p._.proved) return; // it says so again
    const a = this.#answers.get([m.recording, p.card.key, p.identity].join(' '));
    if (!a) return;
    if (a.heard(m.number, m.answer, now)) p._.silent = false;
    else await this.#repeat(p, now);
  }

  #tick(now) {
    for (const p of this.#peers.values()) {
      const _ = p._;
      if (!_.here) continue;
      if (!_.proved && _.helloed < maxHellos && now >= _.next) this.#greet(p, now);
      const why = p.silence(now, p.recorder && this.#answers.get(this.#asks(p)));
      this.#repeat(p, now);
      if (_.proved && now - _.judged >= rejudgeEvery) this.#judge(p, now);
      if (why && !_.silent) {
        _.silent = true;
        this.#trouble(p.identity, 'silent', why);
      }
    }
    if (this.#tells.state && now - this.#tells.told >= repeatEvery) this.#tell();
  }
}

