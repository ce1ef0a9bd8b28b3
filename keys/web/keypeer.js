// What an Exchange keeps of another member in one session.

/** A KeyPeer is another member in one session: identity, card and nonce. Times are in
 * milliseconds of the Exchange's clock; undefined is never. */
export class KeyPeer {
  standing = 'unknown';
  left = undefined; // since when it is not listed; undefined: it is
  gone = false; // left, or said bye
  bye = false;
  mute = false; // does not say that it is here

  // What it is given:
  recorder = false;
  recording = ''; // as it says
  phase = '';
  consent = { allowed: false, recording: '', state: '', why: '' };
  theirs = { generation: 0, hash: '', public: undefined, at: 0 }; // its last offer
  out = undefined; // the PairChain by which it is given keys
  enc = undefined; // of out
  sayEnc = false; // the next key message carries enc
  given = 0; // the latest chain that it was given; 0: none
  holds = false; // it was given the chain that is in use, too
  resend = false; // it is to be given that again
  answered = -Infinity;
  told = ''; // why it is given none, as it was told

  // What it gives:
  offer = undefined; // { generation, private, public, hash, made }
  generation = 0; // of the last offer
  offered = -Infinity; // when that was made
  in = undefined; // the PairChain by which it gives keys
  inGeneration = 0;
  inSince = 0;
  speaks = false; // it says that it has a chain
  withheld = ''; // why it gives none, as it says
  withheldChain = 0;
  doubt = undefined; // what it says of its key differs from what it gave
  asking = 0;
  askAt = undefined; // undefined: nothing is missing
  asks = 0;
  silent = false; // reported
  wants = 0; // number of the last one sent

  // What it says:
  hereNumber = 0;
  wantNumber = 0;
  members = 0;
  roster = '';
  differs = undefined; // since when its roster is none of ours
  apart = undefined; // since when none of its rosters is
  split = false; // reported
  twoKeys = false; // reported
  gives = new Set(); // tags of those who it says have its key, as far as this member sees them

  constructor(seat, verifier, now) {
    Object.assign(this, { seat, verifier, since: now, heard: now });
  }

  get identity() { return this.seat.identity; }

  /** agrees notes that it sees whom this member sees. */
  agrees() { Object.assign(this, { differs: undefined, apart: undefined, split: false }); }

  /** present reports whether the peer is listed and proved. */
  get present() { return !this.gone && this.left === undefined && this.standing !== 'unknown'; }

  /** ask notes that a key of the peer's is missing. */
  ask(now) {
    if (this.askAt === undefined) Object.assign(this, { asking: now, askAt: now + (this.in ? askMissing : askFirst), asks: 0 });
  }

  /** satisfied notes that nothing is missing. */
  satisfied() { Object.assign(this, { askAt: undefined, asks: 0, silent: false }); }

  /** dropOffer erases the private key that its next secret would be opened with. */
  dropOffer() {
    this.offer?.private.fill(0);
    this.offer = undefined;
  }

  /** wipe erases what was shared with the peer. */
  wipe() {
    this.dropOffer();
    this.in?.wipe();
    this.out?.wipe();
    this.in = this.out = this.enc = this.theirs.public = undefined;
  }
}

const askFirst = 1_500; // where no key was given yet
const askMissing = 300; // where one is missing
