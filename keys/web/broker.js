// A player on one site asks a page of another one, which has the person's keys, to open one
// recording. The page is a window that the player opens. It returns secrets of epochs, and
// never the keys. Both sides are here: BrokerWindow is the player's, answerPlayer the page's.
import { check, Refused } from './note.js';

const protocol = 'sealtape.v1/broker';
const maxFiles = 4_200; // of an epoch
const maxBytes = 32 << 20; // of an epoch's files
const maxAsked = 1 << 16; // questions about one recording
const maxText = 1 << 20;
const maxWaiting = 256;
const lookEvery = 300; // whether the window is still there, in milliseconds
const epochSecret = /^AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58}$/;
const recordingID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

const isNumber = (n) => Number.isInteger(n) && n >= 0 && n < maxAsked;

/** isSite says whether an origin is one that people can judge: of https, or this machine's. */
export function isSite(origin) {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.origin === origin && (url.protocol === 'https:' || url.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname));
}

/**
 * A BrokerWindow is the player's side, for one recording. Whoever makes one must do so on a
 * click, or browsers block the window. It needs that neither page cuts the window off: the
 * player's Cross-Origin-Opener-Policy may be same-origin-allow-popups, the other page must
 * have none.
 */
export class BrokerWindow {
  #window;
  #origin;
  #recording;
  #asked = new Map(); // by number: { done, fail }
  #number = 0;
  #ready;
  #timer;
  #hear;

  /**
   * @param {string} address of the other site's page
   * @param {string} recording ID
   */
  constructor(address, recording) {
    check(URL.canParse(address) && isSite(new URL(address).origin), 'not the address of a site with https');
    check(recordingID.test(recording), 'not the ID of a recording');
    this.#origin = new URL(address).origin;
    this.#recording = recording;
    this.#window = window.open(address, '', 'popup,width=520,height=620');
    check(this.#window, 'the browser does not let this page open a window');
    this.#ready = new Promise((done, fail) => { this.#asked.set('ready', { done, fail }); });
    this.#ready.catch(() => {});
    this.#hear = (event) => this.#heard(event);
    addEventListener('message', this.#hear);
    this.#timer = setInterval(() => {
      if (this.#window.closed) this.close(new Refused('the other window was closed, or its site does not let it answer'));
    }, lookEvery);
  }

  /** closed says that it answers no more. */
  closed = false;

  /** agreed resolves once the person said yes there, and rejects when they did not. */
  async agreed() { await this.#ready; }

  /**
   * openEpoch returns an epoch's secret; null if the keys there do not open it.
   * @param {Uint8Array[]} files
   * @returns {Promise<string|null>}
   */
  async openEpoch(files) {
    const secret = await this.#ask({ kind: 'epoch', files });
    check(secret === null || epochSecret.test(secret), 'the other site gave no secret of an epoch');
    return secret;
  }

  /**
   * openShare returns the grant in a share of the recording; null if it is for others.
   * @param {Uint8Array} file
   * @returns {Promise<string|null>}
   */
  openShare(file) { return this.#ask({ kind: 'share', files: [file] }); }

  async #ask(question) {
    await this.#ready;
    const number = ++this.#number;
    check(number < maxAsked, 'more than one recording has');
    return new Promise((done, fail) => {
      this.#asked.set(number, { done, fail });
      this.#send({ ...question, number });
    });
  }

  #send(message) { this.#window.postMessage({ protocol, ...message }, this.#origin); }

  #heard({ source, origin, data }) {
    if (source !== this.#window || origin !== this.#origin || data?.protocol !== protocol) return;
    if (data.kind === 'ready') return this.#send({ kind: 'recording', recording: this.#recording });
    if (data.kind === 'yes') return this.#asked.get('ready')?.done();
    if (data.kind === 'no') return this.close(new Refused('the answer there was no'));
    const asked = data.kind === 'answer' && isNumber(data.number) ? this.#asked.get(data.number) : undefined;
    if (!asked) return;
    this.#asked.delete(data.number);
    if (data.text === null || typeof data.text === 'string' && data.text.length <= maxText) asked.done(data.text);
    else asked.fail(new Refused('the other site could not open this'));
  }

  /** close closes the window. What is still asked is refused. */
  close(why = new Refused('the other window was closed')) {
    this.closed = true;
    clearInterval(this.#timer);
    removeEventListener('message', this.#hear);
    for (const { fail } of this.#asked.values()) fail(why);
    this.#asked.clear();
    this.#ready.catch(() => {});
    this.#ready = Promise.reject(why);
    this.#ready.catch(() => {});
    this.#window.close();
  }
}

/**
 * answerPlayer is the side of the page that has the keys. It answers the player that opened this window,
 * and no other: ask is called once, with { origin, recording }, for what the person says. It
 * returns who opens epochs (an Identity or Secrets), or null for a no. Which recording the
 * files of epochs are of is the player's word: who asks gets the epochs that the keys open of
 * what it hands over, so show the person the origin above all. opened is called for each.
 * @param {object} o
 * @param {(question: { origin: string, recording: string }) => Promise<Opener|null>} o.ask
 * @param {() => void} [o.opened]
 * @returns {void}
 *
 * @typedef {{ openEpoch: (files: Uint8Array[]) => Promise<string|null>, openShare: (recording: string, file: Uint8Array) => Promise<string|null> }} Opener
 */
export function answerPlayer({ ask, opened = () => {} }) {
  const player = window.opener;
  check(window.top === window.self, 'this page is inside another one');
  check(player, 'no player has opened this page');
  let origin = '', recording = '', opener, queue = Promise.resolve(), waiting = 0;
  const send = (message) => player.postMessage({ protocol, ...message }, origin);
  addEventListener('message', async ({ source, origin: from, data }) => {
    if (source !== player || data?.protocol !== protocol) return;
    if (!origin) {
      if (data.kind !== 'recording' || !isSite(from) || typeof data.recording !== 'string' || !recordingID.test(data.recording)) return;
      [origin, recording] = [from, data.recording];
      opener = await ask({ origin, recording }).catch(() => null);
      send({ kind: opener ? 'yes' : 'no' });
      return;
    }
    if (from !== origin || !opener || !isNumber(data.number) || !areFiles(data.files) || waiting >= maxWaiting) return;
    const { kind, number, files } = data;
    if (kind !== 'epoch' && kind !== 'share') return;
    waiting++;
    queue = queue.then(async () => {
      const text = await (kind === 'epoch' ? opener.openEpoch(files) : opener.openShare(recording, files[0])).catch(() => undefined);
      waiting--;
      send({ kind: 'answer', number, text });
      if (text) opened();
    });
  });
  player.postMessage({ protocol, kind: 'ready' }, '*'); // that holds nothing, and who is there nobody knows yet
}

function areFiles(files) {
  if (!Array.isArray(files) || files.length < 1 || files.length > maxFiles || !files.every((f) => f instanceof Uint8Array)) return false;
  return files.reduce((sum, f) => sum + f.length, 0) <= maxBytes;
}
