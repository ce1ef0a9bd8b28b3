import { roomCode } from './chain.js';
import { sendClear } from './cleartext.js';
import { Exchange } from './exchange.js';
import { Member } from './member.js';
import { codeLines } from './message.js';
import { check, Refused, unbase64 } from './note.js';
import { KeyProvider } from './provider.js';
import { Recorders } from './recorders.js';

const tickEvery = 100;
const byeWithin = 1_000;
const codeAfter = 200;
const machines = new Set([2, 4]); // ParticipantKind of livekit-client: EGRESS, AGENT

/**
 * @typedef {import('./identity.js').Identity} Identity
 * @typedef {import('./pins.js').Pins} Pins
 * @typedef {import('./card.js').Card} Card
 *
 * @typedef {'given' | 'unverified' | 'consent' | 'paused' | 'none' | ''} KeyState
 *   Whether one member has the key of another: given, or why not. "unverified": the giver has
 *   not pinned the other's card; "consent": did not agree to be recorded; "paused": pauses, or
 *   heeds a pause; "none": sends nothing; "": not yet.
 *
 * @typedef {{ phase: 'waiting' | 'recording' | 'paused' | 'stopped', recording: string,
 *   access: 'present' | 'whole', policy: 'named' | 'verified' | 'all-pinned',
 *   keeps: 'everyone' | 'verified', consent: 'announce' | 'ask', store: 'folder' | 's3',
 *   storeURL: string, pageURL: string, readers: { fingerprint: string, name: string }[] }} RecorderState
 *   What a recorder says that it does. The addresses are where its recordings are, and a page that
 *   plays them; '' if it does not say.
 *
 * @typedef {object} RoomPeer Another participant, as it is now.
 * @property {string} identity in the room; the server's word
 * @property {'unknown' | 'claimed' | 'verified'} standing "unknown": nothing was proved;
 *   "claimed": a card that is not pinned, whose name is what its holder calls themselves
 * @property {string} name on the card, '' before there is one
 * @property {string} key the verifier key on the card, '' before there is one
 * @property {string} fingerprint the card's eight words, which its owner reads aloud
 * @property {'member' | 'recorder'} role that the card says; it is pinned as a recorder's or not
 * @property {KeyState} mine whether it has this member's key: can see and hear them
 * @property {KeyState} theirs whether this member has its key
 * @property {boolean} recorder it says what it records
 * @property {RecorderState} [state] of a recorder
 * @property {boolean} recorded it says that it gives its key to the verified recorder
 * @property {'yes' | 'no' | 'paused' | ''} answer of a recorder: what it was answered
 *
 * @typedef {{ recorder: RoomPeer, recording: string, readers: { fingerprint: string, name: string }[],
 *   added: { fingerprint: string, name: string }[] }} Question
 *   A recorder that wants to record this member. readers are those who will be able to open
 *   the recording; added are those of them that were not there when the person last agreed,
 *   and that nobody here verified.
 *
 * @typedef {{ identity: string, trouble: string, detail: string }} RoomTrouble
 *   Something that an honest room does not do. trouble is a name of keys/PROTOCOL.md.
 *
 * @typedef {{ peer: RoomPeer, left: string, code: string, ask: Question, trouble: RoomTrouble }} RoomKeysEvents
 *   What the details of events are.
 */

/**
 * RoomKeys are the keys of one LiveKit room that its members make themselves, and hand to one
 * another: no server, no passphrase and no one unverified has any. A recorder gets this
 * member's key when the person says so, and loses it when they take that back.
 *
 *   const keys = new RoomKeys({ identity, pins, recorders: 'ask' });
 *   const room = new Room({ encryption: { keyProvider: keys.provider, worker } });
 *   await keys.connect(room, url, token);
 *
 * Events: "peer" (detail: RoomPeer), "left" (detail: identity), "code" (detail: the eight words),
 * "ask" (detail: Question) and "trouble" (detail: RoomTrouble).
 */
export class RoomKeys extends EventTarget {
  #identity;
  #pins;
  #give;
  #policy;
  #pauses;
  #provider;
  #room;
  #member;
  #exchange;
  #recorders;
  #timer;
  #handlers;
  #code = '';
  #coding = 0;
  #ended; // when the secrets of the last session are erased

  /**
   * @param {object} options
   * @param {Identity} options.identity one's own
   * @param {Pins} options.pins the cards that one trusts
   * @param {'ask' | 'allow' | 'refuse'} [options.recorders] what a verified recorder is told
   *   before the person said anything. "ask" withholds the key and fires "ask"
   * @param {'verified' | 'proved'} [options.give] who gets one's key: those whose cards are
   *   pinned, or all who proved to hold one, for strangers who compare the room code
   * @param {boolean} [options.pauses] while a recorder says that it pauses, it has no key
   * @param {128 | 256} [options.bits] the AES keys' length, the same for all in the room; 256
   *   is known to browsers and Go only
   */
  constructor({ identity, pins, recorders = 'ask', give = 'verified', pauses = true, bits = 128 }) {
    super();
    check(identity && pins, 'identity and pins are needed');
    check(['ask', 'allow', 'refuse'].includes(recorders) && ['verified', 'proved'].includes(give), 'recorders or give is none that there is');
    check(bits === 128 || bits === 256, 'keys have 128 or 256 bits');
    this.#identity = identity;
    this.#pins = pins;
    this.#policy = recorders;
    this.#give = give;
    this.#pauses = pauses;
    this.#provider = new KeyProvider(bits);
  }

  /**
   * @template {keyof RoomKeysEvents} K
   * @param {K} type
   * @param {((event: CustomEvent<RoomKeysEvents[K]>) => void) | EventListenerObject | null} listener
   * @param {boolean | AddEventListenerOptions} [options]
   * @returns {void}
   */
  addEventListener(type, listener, options) { super.addEventListener(type, /** @type {any} */ (listener), options); }

  /**
   * provider belongs in the Room's options, at encryption.keyProvider.
   * @returns {any} a BaseKeyProvider of livekit-client
   */
  get provider() { return this.#provider; }

  /**
   * connect turns end-to-end encryption on, connects the room, says hello and hands keys out.
   * From then on this member's media and data are encrypted under its own key. When the room
   * was disconnected it may be connected again.
   * @param {any} room a Room of livekit-client, which is not connected
   * @param {string} url
   * @param {string} token
   * @param {any} [options] of Room.connect
   * @returns {Promise<void>}
   */
  async connect(room, url, token, options) {
    check(room.options?.encryption?.keyProvider === this.#provider, 'the room needs the options encryption: { keyProvider: keys.provider, worker }');
    check(!this.#room, 'these keys are in use');
    this.#room = room;
    await this.#ended;
    try {
      await room.setE2EEEnabled(true);
      await room.connect(url, token, options);
      await this.#begin();
    } catch (err) {
      this.#end();
      throw err;
    }
  }

  async #begin() {
    const room = this.#room;
    const { identity } = room.localParticipant;
    // What its messages hand over, others do not wait for: it begins before the first frame.
    const member = this.#member = new Member({
      room, identity: this.#identity, pins: this.#pins,
      keys: { send: (to, packet) => sendClear(room, to, packet), others: (from, message) => this.#exchange?.receive(from, message) },
    });
    await member.prepare();
    const exchange = this.#exchange = new Exchange({
      room: room.name, identity, nonce: unbase64(member.session.nonce), card: member.session.cardHash,
      sign: (text) => this.#identity.sign(text), give: this.#give, giveWhilePaused: !this.#pauses,
      send: (to, packet) => sendClear(room, to, packet), notify: (e) => this.#heard(e),
    });
    this.#recorders = new Recorders({ member, exchange, pins: this.#pins, policy: this.#policy, ask: (p, readers, added) => this.#ask(p, readers, added) });
    await exchange.begin();
    this.#handlers = {
      participantDisconnected: (p) => {
        exchange.left(p.identity);
        this.#fire('left', p.identity);
      },
      encryptionError: (err) => this.#missing(err),
      moved: () => this.#again(),
      disconnected: () => this.#end(),
    };
    for (const [event, f] of Object.entries(this.#handlers)) room.on(event, f);
    member.addEventListener('peer', (e) => this.#changed(/** @type {CustomEvent} */ (e).detail));
    member.addEventListener('trouble', (e) => this.#fire('trouble', /** @type {CustomEvent} */ (e).detail));
    this.#timer = setInterval(() => exchange.tick(), tickEvery);
    await member.start();
  }

  // again begins a session in the room that the server moved this member to.
  async #again() {
    const room = this.#room;
    this.#end();
    this.#room = room;
    await this.#ended;
    await this.#begin();
  }

  /**
   * leave tells the others, so that they change their keys at once, and disconnects the room.
   * @returns {Promise<void>}
   */
  async leave() {
    const [room, exchange] = [this.#room, this.#exchange];
    if (!room) return;
    this.#end();
    await this.#ended;
    // A connection that is gone takes nothing any more.
    await Promise.race([exchange?.sent, new Promise((done) => setTimeout(done, byeWithin))]);
    await room.disconnect();
  }

  #end() {
    const [room, exchange] = [this.#room, this.#exchange];
    clearInterval(this.#timer);
    for (const [event, f] of Object.entries(this.#handlers ?? {})) room.off(event, f);
    this.#handlers = undefined;
    this.#member?.stop();
    this.#room = this.#member = this.#exchange = this.#recorders = undefined;
    this.#setCode('');
    this.#ended = exchange?.bye();
  }

  /**
   * peers are the other participants.
   * @returns {RoomPeer[]}
   */
  get peers() { return this.#member?.peers().map((p) => this.#view(p)) ?? []; }

  /**
   * recorder is the verified recorder, undefined where there is none.
   * @returns {RoomPeer | undefined}
   */
  get recorder() {
    const p = this.#member?.recorder;
    return p && this.#view(p);
  }

  /**
   * code has eight words, which are the same for all who see the same room: read them to one
   * another when all are there. It is '' before.
   * @returns {string}
   */
  get code() { return this.#code; }

  /**
   * pin pins the card that a participant proved. See Pins.add.
   * @param {string} identity
   * @param {{ fingerprint?: string, sure?: boolean, recorder?: boolean }} how fingerprint has the
   *   eight words as its owner read them aloud
   * @returns {Promise<void>}
   */
  async pin(identity, how) { await this.#in().member.pin(identity, how); }

  /**
   * answer says whether a recorder may record this member: whether it gets the key. A no, and a
   * pause, take it back within a second, whatever the recorder does; that is done when the promise
   * is rejected, too, which means that the recorder did not acknowledge. A yes to what the person was
   * not asked is refused.
   * @param {string} recorder its identity
   * @param {boolean} yes
   * @returns {Promise<void>}
   */
  async answer(recorder, yes) { await this.#in().recorders.answer(recorder, yes ? 'yes' : 'no'); }

  /**
   * pause takes the key from all recorders that have it; resume gives it back to them, but asks
   * where somebody whom nobody verified became a reader meanwhile.
   * @returns {Promise<void>}
   */
  async pause() { await this.#in().recorders.pause(); }

  /** @returns {Promise<void>} */
  async resume() { await this.#in().recorders.resume(); }

  #in() {
    if (!this.#member) throw new Refused('the room is not connected');
    return { member: this.#member, recorders: this.#recorders };
  }

  #view(p) {
    const { identity, standing, card, recorder, state } = p;
    const recorderIdentity = this.#member?.recorder?.identity;
    const { mine, theirs } = this.#exchange.view(identity);
    return {
      identity, standing, name: card?.name ?? '', key: card?.key ?? '', fingerprint: card?.fingerprint ?? '', role: card?.role ?? 'member', mine, theirs, recorder, state,
      recorded: recorderIdentity !== undefined && recorderIdentity !== identity && this.#exchange.gives(identity, recorderIdentity),
      answer: recorder ? this.#recorders.answered(p) : '',
    };
  }

  #fire(event, detail) { this.dispatchEvent(new CustomEvent(event, { detail })); }

  // changed passes on what the Member found out about somebody.
  async #changed(p) {
    const listed = this.#room?.remoteParticipants.get(p.identity);
    const [exchange, recorders] = [this.#exchange, this.#recorders];
    if (!exchange) return;
    const machine = machines.has(listed?.kind) || listed?.permissions?.recorder === true;
    await exchange.member({
      identity: p.identity, standing: p.standing, nonce: p.session.nonce, cardHash: p.session.cardHash, verifier: p.card?.verifier,
      recorder: machine || p.recorder || p.card?.role === 'recorder', recording: p.state?.recording, phase: p.state?.phase,
    });
    if (p.recorder) await recorders.heard(p);
    if (this.#exchange !== exchange) return;
    if (p.recorder) this.#countCode();
    this.#fire('peer', this.#view(p));
  }

  #ask(p, readers, added) { this.#fire('ask', { recorder: this.#view(p), recording: p.state.recording, readers, added }); }

  // heard does what the Exchange says. It may not wait for that.
  async #heard(e) {
    switch (e.kind) {
      case 'refused':
        this.#fire('trouble', { identity: e.identity, trouble: e.trouble, detail: e.detail });
        break;
      case 'roster':
        this.#countCode();
        break;
      case 'peer':
        if (this.#member?.has(e.identity)) this.#fire('peer', this.#view(this.#member.peer(e.identity)));
        break;
      default:
        await this.#provider.take(e);
    }
  }

  // countCode takes some tens of milliseconds, beside this thread. When many come at once, it
  // does so once.
  async #countCode() {
    const [round, exchange] = [++this.#coding, this.#exchange];
    await new Promise((done) => { setTimeout(done, codeAfter); });
    if (round !== this.#coding || !exchange || exchange !== this.#exchange) return;
    const { recorder } = this.#member;
    const lines = recorder ? codeLines(this.#room.name, recorder.card.key, recorder.state) : '';
    const code = await roomCode(exchange.seats(), lines);
    if (round === this.#coding && exchange === this.#exchange) this.#setCode(code);
  }

  #setCode(code) {
    if (code === this.#code) return;
    this.#code = code;
    this.#fire('code', code);
  }

  // missing asks for a key that livekit-client lacks.
  #missing(err) {
    const [, index, identity] = /^missing key at index (\d+) for participant (.*)$/s.exec(err?.message ?? '') ?? [];
    if (identity) this.#exchange?.missing(identity, Number(index));
  }
}
