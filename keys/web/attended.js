import { isAddress } from './message.js';
import { base64, check, parseNote, Refused, text, unbase64, Verifier } from './note.js';

const most = 1_000; // meetings; the oldest are forgotten
const maxHead = 64 << 10;
const patience = 20_000; // for the store, in milliseconds

/**
 * @typedef {object} Meeting one that this person attended while it was recorded
 * @property {string} recording its ID
 * @property {string} room
 * @property {string} store address of the store
 * @property {string} page address of a page that plays recordings
 * @property {string} recorder the verifier key of the recorder, who was verified then
 * @property {number} since when it was first heard of here, in milliseconds
 */

/**
 * Attended is the list of the recorded meetings that somebody attended, kept on a shelf. It
 * has what verified recorders said, and no others.
 */
export class Attended {
  #shelf;
  constructor(shelf) { this.#shelf = shelf; }

  /**
   * note takes down what a participant says that it records: a peer of a Member or of RoomKeys,
   * of any kind. It returns the meeting, undefined if there is nothing to watch afterwards.
   * @param {any} peer
   * @param {string} room its name
   * @returns {Promise<Meeting|undefined>}
   */
  async note(peer, room) {
    const recorder = peer.card?.key ?? peer.key;
    const { recording, storeURL, pageURL } = peer.state ?? {};
    if (peer.standing !== 'verified' || !peer.recorder || !recording || !storeURL || !pageURL || !recorder) return undefined;
    check(isAddress(storeURL) && isAddress(pageURL), 'no address');
    let meeting = { recording, room, store: storeURL, page: pageURL, recorder, since: Date.now() };
    await this.#shelf.change('attended', (list = []) => {
      const known = list.find((m) => m.recording === recording && m.recorder === recorder);
      if (known && known.store === storeURL && known.page === pageURL) return void (meeting = known);
      if (known) meeting = { ...meeting, since: known.since };
      return [meeting, ...list.filter((m) => m !== known)].slice(0, most);
    });
    return meeting;
  }

  /**
   * list returns the meetings, the latest first.
   * @returns {Promise<Meeting[]>}
   */
  async list() { return (await this.#shelf.get('attended') ?? []).sort((a, b) => b.since - a.since); }

  /** forget takes one off the list. */
  forget(recording) { return this.#shelf.change('attended', (list = []) => list.filter((m) => m.recording !== recording)); }
}

/**
 * watchLink returns the link that plays a meeting: an invitation as of now. For that it
 * fetches the recording's head, and checks that the recorder signed it. It throws a Refused
 * where there is none, or another's.
 * @param {Meeting} meeting
 * @returns {Promise<string>}
 */
export async function watchLink({ recording, store, page, recorder }) {
  const note = await fetchHead(`${store.replace(/\/$/, '')}/${recording}/head`);
  const { message, signatures } = parseNote(note);
  const verifier = await Verifier.parse(recorder);
  const [, id, size, root] = /^sealtape\.v1\/([0-9A-Z]{26})\n([1-9][0-9]{0,6})\n([A-Za-z0-9+/]{43}=)\nstate: (?:open|closed|cut)\n$/.exec(message) ?? [];
  check(id === recording, 'the store shows another recording in its place');
  let signed = false;
  for (const s of signatures) signed ||= await s.by(verifier, message);
  check(signed, 'the recorder has not signed what the store shows');
  return `${page}#1&s=${escape(store.replace(/\/$/, ''))}&r=${id}&k=${base64url(verifier.raw)}&h=${size}.${base64url(unbase64(root))}`;
}

async function fetchHead(address) {
  let body;
  try {
    const answer = await fetch(address, { cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(patience) });
    if (answer.ok) body = new Uint8Array(await answer.arrayBuffer());
  } catch {
    throw new Refused('the store does not answer this page');
  }
  check(body, 'the store does not have the recording, or not yet');
  check(body.length <= maxHead, 'the store shows something else in its place');
  return text(body);
}

const base64url = (b) => base64(b).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const escape = (s) => encodeURIComponent(s).replaceAll('%3A', ':').replaceAll('%2F', '/');
