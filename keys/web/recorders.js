// What the person said about recorders, and whether these have the key.
import { Refused } from './note.js';

/** Recorders are those of one room. Their peers are those of a Member. */
export class Recorders {
  #member;
  #exchange;
  #pins;
  #policy;
  #ask;
  #answers = new Map(); // by session and recording: what was answered, with which readers, and what was asked

  constructor({ member, exchange, pins, policy, ask }) {
    this.#member = member;
    this.#exchange = exchange;
    this.#pins = pins;
    this.#policy = policy;
    this.#ask = ask;
  }

  // for returns what was answered to this session of a recorder, for this recording.
  #for(p) {
    const id = [p.identity, p.session.cardHash, p.session.nonce, p.state.recording].join(' ');
    if (!this.#answers.has(id)) this.#answers.set(id, { answer: '', covered: new Set(), added: [], asked: undefined });
    return this.#answers.get(id);
  }

  /** answered is what a recorder was answered: "yes", "no", "paused" or "". */
  answered(p) { return p.state?.recording ? this.#for(p).answer : ''; }

  /** heard takes what a recorder says, and asks the person where they are to be asked. */
  async heard(p) {
    if (!p.state?.recording || p.standing !== 'verified') return;
    const a = this.#for(p);
    if (a.answer === 'yes') {
      a.added = this.#unknown(p.state.readers, a.covered);
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
    if (this.#policy === 'allow' || this.#policy === 'refuse' && a.covered.size === 0) {
      this.answer(p.identity, this.#policy === 'allow' ? 'yes' : 'no').catch(() => {}); // the key does not wait for it
      return;
    }
    const question = JSON.stringify(a.added.map(words));
    if (a.asked === question) return;
    a.asked = question;
    this.#ask(p, p.state.readers, a.added);
  }

  // unknown returns readers that are neither covered by an answer nor pinned here.
  #unknown(readers, covered) {
    const pinned = this.#pins.fingerprints();
    return readers.filter((r) => !covered.has(words(r)) && !(r.fingerprint && pinned.has(r.fingerprint)));
  }

  /** answer answers one recorder: "yes", "no" or "paused". The key goes out, or is taken back,
   * whether the recorder acknowledges or not. */
  async answer(identity, answer) {
    const p = this.#member.peer(identity);
    if (!p.recorder || !p.state?.recording) throw new Refused('this participant has not announced that it records');
    const a = this.#for(p);
    Object.assign(a, { answer, added: [], asked: undefined });
    if (answer === 'yes') {
      a.covered = new Set(p.state.readers.map(words));
      await this.#exchange.allow(identity, p.state.recording, p.session.digest);
    } else {
      await this.#exchange.withhold(identity, answer === 'no' ? 'consent' : 'paused');
    }
    // Beside the key, which it does not need to be believed about, the recorder promises
    // to keep nothing of who says no.
    if (p.state.consent === 'ask') await this.#member.answer(identity, answer === 'yes');
  }

  /** answerAll answers those recorders that were answered one thing with another. */
  async answerAll(from, to) {
    const those = this.#member.peers().filter((p) => this.answered(p) === from);
    await Promise.all(those.map((p) => this.answer(p.identity, to)));
  }
}

const words = (r) => r.fingerprint || `\n${r.name}`; // a name that stands for no card
