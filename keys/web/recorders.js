// What the person said about recorders, and whether these have the key.
import { Refused } from './note.js';

const maxRecorders = 4096;
const maxRecordings = 64; // of one session

/** Recorders are those of one room. Their peers are those of a Member. */
export class Recorders {
  #member;
  #exchange;
  #pins;
  #policy;
  #ask;
  #answers = new Map(); // by identity: its session, and by recording what was answered, with which readers, and what was asked
  #said = new Map(); // by the key of a recorder's card: what the person themselves answered last

  constructor({ member, exchange, pins, policy, ask }) {
    this.#member = member;
    this.#exchange = exchange;
    this.#pins = pins;
    this.#policy = policy;
    this.#ask = ask;
  }

  // for returns what was answered to this session of a recorder, for this recording.
  #for(p) {
    const { nonce, cardHash } = p.session;
    let of = this.#answers.get(p.identity);
    if (of?.nonce !== nonce || of.cardHash !== cardHash) {
      bound(this.#answers, maxRecorders, ({ recordings }) => [...recordings.values()].some((a) => a.answer === 'yes'));
      this.#answers.set(p.identity, of = { nonce, cardHash, recordings: new Map() });
    }
    const a = of.recordings.get(p.state.recording) ?? { answer: '', covered: new Set(), added: [], asked: undefined };
    of.recordings.delete(p.state.recording); // the latest come last
    bound(of.recordings, maxRecordings);
    of.recordings.set(p.state.recording, a);
    return a;
  }

  /** answered is what a recorder was answered: "yes", "no", "paused" or "". */
  answered(p) { return p.state?.recording ? this.#for(p).answer : ''; }

  /** heard takes what a recorder says, and asks the person where they are to be asked. */
  async heard(p) {
    if (!p.state?.recording || p.standing !== 'verified') return;
    const a = this.#for(p);
    if (a.answer === 'yes') {
      a.added = this.#unknown(p, a.covered);
      if (a.added.length === 0) {
        await this.#exchange.allow(p.identity, p.state.recording, p.session.digest); // the state may be a later one
        return;
      }
      // Somebody whom nobody here knows would be able to open it: until the person
      // says yes to that, they did not.
      a.answer = '';
      await this.#exchange.withhold(p.identity, 'consent');
    }
    if (a.answer !== '') return;
    const allowed = this.#policy === 'allow' && (this.#said.get(p.card.key) ?? 'yes') === 'yes';
    if (allowed || this.#policy === 'refuse' && a.covered.size === 0) {
      this.#give(p, a, allowed ? 'yes' : 'no').catch(() => {}); // the key does not wait for it
      return;
    }
    const unknown = this.#unknown(p, a.covered);
    if (a.added.length) a.added = unknown;
    const question = JSON.stringify(unknown.map(words));
    if (a.asked === question) return;
    a.asked = question;
    this.#ask(p, p.state.readers, a.added);
  }

  // unknown returns readers that are neither covered by an answer nor pinned here.
  #unknown(p, covered) {
    const pinned = this.#pins.fingerprints();
    return p.state.readers.filter((r) => !covered.has(words(r)) && !(r.fingerprint && pinned.has(r.fingerprint)));
  }

  /** answer answers one recorder for the person: "yes", "no" or "paused". The key goes out, or is
   * taken back, whether the recorder acknowledges or not. A yes is to what the person was asked
   * last: it is refused if the recorder has said something else since, which is asked then. */
  async answer(identity, answer) {
    const p = this.#member.peer(identity);
    if (!p.recorder || !p.state?.recording) throw new Refused('this participant has not announced that it records');
    const a = this.#for(p);
    if (answer === 'yes' && p.standing === 'verified' && a.answer === '') {
      const unasked = this.#policy === 'ask' && a.asked === undefined;
      const asked = new Set(a.asked === undefined ? p.state.readers.map(words) : JSON.parse(a.asked));
      if (unasked || this.#unknown(p, a.covered).some((r) => !asked.has(words(r)))) {
        throw new Refused('what this recorder does has just changed: look at that first');
      }
    }
    this.#says(p, answer);
    await this.#give(p, a, answer);
  }

  // says notes what the person answered a recorder.
  #says(p, answer) {
    this.#said.delete(p.card.key); // the latest come last
    bound(this.#said, maxRecorders);
    this.#said.set(p.card.key, answer);
  }

  async #give(p, a, answer) {
    Object.assign(a, { answer, added: [], asked: undefined });
    if (answer === 'yes') {
      a.covered = new Set(p.state.readers.map(words));
      await this.#exchange.allow(p.identity, p.state.recording, p.session.digest);
    } else {
      await this.#exchange.withhold(p.identity, answer === 'no' ? 'consent' : 'paused');
    }
    // Beside the key, which it does not need to be believed about, the recorder promises
    // to keep nothing of who says no.
    if (p.state.consent === 'ask') await this.#member.answer(p.identity, answer === 'yes');
  }

  /** pause takes the key from all recorders that have it. */
  async pause() { await Promise.all(this.#answered('yes').map((p) => this.answer(p.identity, 'paused'))); }

  /** resume gives it back to them, as far as the person agreed before: where somebody whom nobody
   * here knows can open the recording by now, the person is asked. */
  async resume() {
    await Promise.all(this.#answered('paused').map(async (p) => {
      this.#says(p, 'yes');
      this.#for(p).answer = 'yes';
      await this.heard(p);
      if (p.state.consent === 'ask' && this.answered(p) === 'yes') await this.#member.answer(p.identity, true);
    }));
  }

  #answered(answer) { return this.#member.peers().filter((p) => this.answered(p) === answer); }
}

// bound makes room for one more, where a stranger can make many. What keep says stays.
function bound(map, most, keep = () => false) {
  if (map.size < most) return;
  for (const [key, value] of map) {
    if (keep(value)) continue;
    map.delete(key);
    return;
  }
}

const words = (r) => r.fingerprint || `\n${r.name}`; // a name that stands for no card
