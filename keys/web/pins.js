import { Card, checkName } from './card.js';
import { readFingerprint } from './fingerprint.js';
import { checkLine, fold } from './name.js';
import { check, Fields, parseNote, Refused, Verifier } from './note.js';

/** A Taken is thrown for a card whose name is pinned with another key, or whose key is
 * pinned under another name or in another role. */
export class Taken extends Refused {}

/** Pins are the cards of the people that one trusts, kept on a Shelf. */
export class Pins {
  #shelf;
  #cards = []; // the one pinned first of a name comes first
  #revoked = new Map(); // by key: the note
  #replaced = new Map(); // by key: the key that took its place
  #grounds = new Map(); // by key, why it is trusted: { words: whether they were compared, by: keys that approved it }

  /** load reads the pins that a shelf keeps. own is one's own card, which counts as one. */
  static async load(shelf, own) {
    const p = new Pins();
    p.#shelf = shelf;
    const kept = await shelf.get('pins') ?? { cards: [], revoked: [], replaced: [], grounds: [] };
    for (const note of kept.cards) p.#cards.push(await Card.parse(note));
    p.#revoked = new Map(kept.revoked);
    p.#replaced = new Map(kept.replaced);
    p.#grounds = new Map(kept.grounds);
    p.own = own;
    return p;
  }

  /** list returns the pinned cards without one's own. */
  list() { return [...this.#cards]; }

  /** fingerprints are the words of all cards that count, one's own among them. */
  fingerprints() { return new Set(this.#all().filter((c) => this.state(c) === 'counts').map((c) => c.fingerprint)); }

  #all() { return this.own ? [this.own, ...this.#cards] : this.#cards; }

  /**
   * state says whether a card counts: "counts", "revoked", "doubted", "replaced" or
   * "expired". One is doubted that is pinned, and that nothing vouches for any more: nobody
   * compared its words, and what approved it was revoked or unpinned, or is doubted itself.
   */
  state(card, now = Date.now()) {
    if (this.#revoked.has(card.key)) return 'revoked';
    if (this.#cards.some((p) => p.key === card.key) && !this.#vouched().has(card.key)) return 'doubted';
    if (this.#replaced.has(card.key)) return 'replaced';
    return card.expired(now) ? 'expired' : 'counts';
  }

  /** The pinned keys that something vouches for, by the folded names of their cards. */
  #vouched() {
    const vouched = new Map();
    const all = this.#all().map((p) => ({ key: p.key, name: fold(p.name) }));
    for (let before = -1; before < vouched.size;) {
      before = vouched.size;
      for (const p of all) {
        const ground = this.#grounds.get(p.key);
        if (p.key === this.own?.key || ground?.words
          || ground?.by.some((k) => vouched.get(k) === p.name && !this.#revoked.has(k))) vouched.set(p.key, p.name);
      }
    }
    return vouched;
  }

  /**
   * standing says what is known of a card: "known", its key is pinned under its name;
   * "approved", a pinned key of that name approved it; "stranger". It throws for a card
   * that does not count, and a Taken where another key has the name.
   */
  async standing(card) { return (await this.#judge(card)).standing; }

  /** judge says it with the keys that approved the card. */
  async #judge(card) {
    const state = this.state(card);
    // One that is doubted is a stranger's, until its words were compared.
    check(state === 'counts' || state === 'doubted', `the card is ${state}`);
    check(!this.#replaced.has(card.key) && !card.expired(), 'the card is replaced or expired');
    let taken = '';
    let known = false;
    const by = [];
    for (const p of this.#all()) {
      const same = fold(p.name) === fold(card.name);
      if (p.key === card.key) {
        if (p.name !== card.name) throw new Taken(`this key is pinned under another name: ${p.name}`);
        if (p.role !== card.role) throw new Taken(`the key of ${p.name} is pinned as a ${p.role}'s`);
        check(p.created <= card.created, 'a newer card of this key is pinned');
        known ||= state === 'counts';
        continue;
      }
      if (!same) continue;
      const counts = this.state(p);
      if (counts === 'counts' && (p.role === 'recorder' || card.role === 'member') && await card.approvedBy(p.verifier)) by.push(p.key);
      else if (counts !== 'revoked' && counts !== 'doubted') taken = p.name;
    }
    if (known) return { standing: 'known', by };
    if (by.length > 0) return { standing: 'approved', by };
    if (taken) throw new Taken(`another key is pinned under this name: ${taken}`);
    return { standing: 'stranger', by };
  }

  /**
   * add pins a card. A stranger's needs its fingerprint, eight words, as its owner read
   * them aloud; for one whose words were compared by other means, sure is true. For a
   * recorder's, recorder is true: what its key says is recorded, and its code, counts then.
   */
  async add(card, { fingerprint = '', sure = false, recorder = false } = {}) {
    const { standing, by } = await this.#judge(card);
    check(!recorder || card.role === 'recorder', 'the card is not a recorder\'s');
    check(recorder || card.role !== 'recorder' || standing !== 'stranger', 'the card says it is a recorder\'s: is it?');
    if (standing === 'stranger' || fingerprint) {
      check(fingerprint || sure, 'the fingerprint must be compared with its owner');
      if (fingerprint) check(readFingerprint(fingerprint) === card.fingerprint, `the card has another fingerprint: ${card.fingerprint}`);
    }
    if (this.own?.key === card.key) return standing;
    if (card.replaces) this.#replaced.set(card.replaces, card.key);
    const i = this.#cards.findIndex((p) => p.key === card.key);
    const was = i >= 0 ? this.#grounds.get(card.key) : undefined;
    this.#grounds.set(card.key, {
      words: standing === 'stranger' || fingerprint !== '' || (was?.words ?? false), by: [...new Set([...was?.by ?? [], ...by])],
    });
    if (i >= 0) this.#cards[i] = card;
    else this.#cards.push(card);
    await this.#save();
    return standing;
  }

  /** remove unpins all cards of a name. */
  async remove(name) {
    for (const p of this.#cards) if (fold(p.name) === fold(name)) this.#grounds.delete(p.key);
    this.#cards = this.#cards.filter((p) => fold(p.name) !== fold(name));
    await this.#save();
  }

  /** revoke takes a revocation: by the key itself, or by another card of the person. */
  async revoke(note) {
    const { message, signatures } = parseNote(note);
    const f = new Fields(message);
    check(f.next() === 'sealtape.v1/revocation' && signatures.length === 1, 'not a revocation');
    const name = f.field('name');
    checkName(name);
    const key = f.field('key');
    f.time('time');
    if (f.has('reason')) checkLine(f.field('reason'), 200);
    f.end();
    // Without a card of that key it may be one that was approved: it counts for cards of its name only.
    const owner = this.#all().find((p) => p.key === key)?.name ?? name;
    const by = [await Verifier.parse(key)];
    for (const p of this.#all()) {
      if (p.key !== key && fold(p.name) === fold(owner) && this.state(p) === 'counts') by.push(p.verifier);
    }
    for (const v of by) {
      if (!await signatures[0].by(v, message)) continue;
      // The first revocation of a key stays, unless it is one in another name.
      const first = this.#revoked.get(key);
      if (first && concerns(first, key, name)) return;
      this.#revoked.set(key, note);
      return this.#save();
    }
    throw new Refused('neither the key itself nor another card of its owner has signed it');
  }

  /** revokedKeys are the verifier keys that were revoked, also those of cards that nobody pinned. */
  revokedKeys() {
    return [...this.#revoked.keys()];
  }

  /**
   * revocations say of each revoked key which keys' approvals it takes from it: by names of keys;
   * null for whoever's, since the revoked key itself has signed that.
   */
  revocations() {
    return [...this.#revoked].map(([key, note]) => ({
      key, of: concerns(note, key, '') ? null : this.#all().filter((p) => concerns(note, key, p.name)).map((p) => p.verifier.name),
    }));
  }

  #save() {
    return this.#shelf.set('pins', {
      cards: this.#cards.map((c) => c.note), revoked: [...this.#revoked], replaced: [...this.#replaced], grounds: [...this.#grounds],
    });
  }
}

// concerns reports whether a revocation that was taken is of a card of this name: the revoked key
// itself signed it, or it has the name.
function concerns(note, key, name) {
  const { message, signatures } = parseNote(note);
  const f = new Fields(message);
  f.next();
  return signatures[0].name === key.split('+')[0] || fold(f.field('name')) === fold(name);
}
