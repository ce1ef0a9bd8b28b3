// How members say that they are here, whom they see, and where their chains are.
import { rosterHash, tag } from './chain.js';
import { compose, maxTags, tagSize } from './keymessage.js';
import { hex } from './note.js';
import { freshUse } from './ring.js';
import { demand, Trouble } from './trouble.js';

const soon = 2_000;
const least = 30_000;
const perMember = 500;
const splitAfter = 15_000;
const apartFor = 60_000; // however often somebody's roster changes meanwhile
const maxCounted = 4096;

/** A Here is of one Exchange, which calls it one call at a time. */
export class Here {
  roster = ''; // as of the last look
  stale = true; // it may have changed
  #x;
  #at = 0; // when it is said next
  #number = 0;
  #rosters = []; // what the roster was lately: { roster, until }
  #said = ''; // who gets no key, as all were told
  #own; // the tag of this member's own line, in hexadecimal

  constructor(exchange) {
    this.#x = exchange;
  }

  async begin(now) {
    this.#own = hex(await tag(this.#x.seat));
    await this.look(now);
    this.#at = now + soon;
  }

  /** seats are those whom this member sees, itself first. */
  seats() {
    return [this.#x.seat, ...[...this.#x.peers.values()].filter((p) => !p.gone && p.standing !== 'unknown').map((p) => p.seat)];
  }

  /** hasten has it said at once. */
  hasten(now) { this.#at = now; }

  /** look notes who is here, if that may have changed. */
  async look(now) {
    if (!this.stale) return;
    this.stale = false;
    const roster = await rosterHash(this.seats());
    if (roster === this.roster) return;
    this.#rosters.push({ roster: this.roster, until: now });
    while (this.#rosters.length && now - this.#rosters[0].until >= splitAfter) this.#rosters.shift();
    this.roster = roster;
    for (const p of this.#x.peers.values()) if (p.roster === roster) p.agrees();
    this.#at = Math.min(this.#at, now + soon);
    await this.#x.emit({ kind: 'roster' });
  }

  #agrees(roster, now) {
    return roster === this.roster || this.#rosters.some((r) => r.roster === roster && now - r.until < splitAfter);
  }

  // every is how often a member says it, who says so much of the room's size.
  #every(members) {
    const n = Math.max(this.#x.peers.size + 1, Math.min(members, maxCounted));
    return Math.max(least, n * perMember);
  }

  /** tick says it when it is due. Before a fresh chain it waits for that a little, to say
   * both at once. */
  async tick(now) {
    if (hex(this.#withheld()) !== this.#said) this.#at = Math.min(this.#at, now + soon);
    if (now < this.#at || this.#x.giving.changing && now - this.#at < freshUse + soon) return;
    await this.say(now);
  }

  // withheld are the tags of those who get no key.
  #withheld() {
    const { giving } = this.#x;
    const tags = [];
    for (const p of giving.chain ? this.#x.peers.values() : []) {
      const { ok, why } = giving.may(p);
      if (!ok && why && tags.length < tagSize * maxTags) tags.push(...p.seat.tag);
    }
    return Uint8Array.from(tags);
  }

  /** say tells all where this member's chain is, whom it sees, and who gets no key. */
  async say(now) {
    const members = this.seats().length;
    const withheld = this.#withheld();
    this.#said = hex(withheld);
    await this.#x.send('', compose({
      ...this.#x.message('here'), number: ++this.#number, ...await this.#x.giving.told(), members, roster: this.roster,
      withheld: withheld.length ? withheld : undefined,
    }));
    this.#at = now + this.#every(members);
  }

  /** heard takes a peer's. */
  async heard(p, m, now) {
    demand(m.number > p.hereNumber, 'stale', 'an old message about where its key is');
    Object.assign(p, { hereNumber: m.number, heard: now, mute: false, members: m.members });
    await this.look(now);
    if (this.#agrees(m.roster, now)) p.agrees();
    else if (p.differs === undefined || p.roster !== m.roster) Object.assign(p, { differs: now, apart: p.apart ?? now });
    p.roster = m.roster;
    const withheld = new Set();
    for (let i = 0; i < (m.withheld?.length ?? 0); i += tagSize) withheld.add(hex(m.withheld.subarray(i, i + tagSize)));
    // Of those whom only it sees, it says nothing that we could name.
    const gives = m.roster === this.roster ? m.chain > 0 ? [...this.#x.peers.values()].map((o) => o.seat.hex) : [] : [...p.gives];
    const keyed = gives.filter((t) => !withheld.has(t));
    if (keyed.length !== p.gives.size || keyed.some((t) => !p.gives.has(t))) p.gives = new Set(keyed);
    await this.#x.taking.heardWhere(p, m, withheld.has(this.#own), now);
  }

  /** follow reports a peer who does not say it, or sees others than this member does. */
  async follow(p, now) {
    if (!p.mute && p.theirs.generation > 0 && now - p.heard >= 3 * this.#every(p.members)) {
      p.mute = true;
      await this.#x.trouble(p.identity, new Trouble('silent', 'is in the room\'s list, and does not say that it is here'));
    }
    if (!p.split && (now - p.differs >= splitAfter || now - p.apart >= apartFor)) {
      p.split = true;
      await this.#x.trouble(p.identity, new Trouble('split', 'sees others in the room than this member does'));
    }
  }
}
