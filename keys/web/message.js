// The messages of keys/PROTOCOL.md.
import { spell } from './fingerprint.js';
import { base64, bytes, check, Fields, parseNote, prefix, sha256, text, time, unbase64 } from './note.js';
import { words } from './words.js';

export const topic = 'sealtape.v1';
export const maxMessage = 14_000;

const kinds = new Set(['hello', 'proof', 'recorder', 'seen', 'consent', 'noted']);
const listed = new Set(words);
const maxReaders = 1024;
const maxParts = 64;
const partBytes = 10_000;
const address = /^(https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http:\/\/(localhost|127\.0\.0\.1|\[::1\]))(:[1-9][0-9]{0,4})?(\/[A-Za-z0-9._~/-]*)?$/;

/** An OtherVersion is a message of a version of the protocol that is not known. */
export class OtherVersion extends Error {}

export const recording = (v) => {
  check(/^[0-9A-HJKMNP-TV-Z]{26}$/.test(v), 'recording');
  return v;
};

/** parse reads a message without checking its signature; undefined is an unknown type. */
export function parse(data) {
  check(data.length <= maxMessage, 'longer than a message may be');
  const note = text(data);
  if (/^sealtape\.v/.test(note) && !note.startsWith(prefix)) throw new OtherVersion();
  check(note.startsWith(prefix), 'not a message');
  const first = note.slice(prefix.length, note.indexOf('\n'));
  if (!kinds.has(first)) return undefined;
  const { message, signatures } = parseNote(note);
  check(signatures.length === 1, 'one signature');
  const f = new Fields(message);
  f.next();
  const m = {
    kind: first, message, signature: signatures[0],
    room: f.text('room'), from: f.text('from'), to: f.text('to'), time: f.time('time'), nonce: base64(f.bytes('nonce', 32)),
  };
  switch (m.kind) {
    case 'hello':
      m.answers = f.has('answers') && f.lines[0] === 'answers: -' ? (f.next(), '') : base64(f.bytes('answers', 32));
      check(m.answers !== base64(new Uint8Array(32)), 'answers');
      m.card = text(f.bytes('card'));
      break;
    case 'proof':
      Object.assign(m, { answers: base64(f.bytes('answers', 32)), own: f.hash('own'), other: f.hash('other'), sid: f.text('sid') });
      m.key = f.has('key') && f.lines[0] === 'key: -' ? (f.next(), '') : f.hash('key');
      check(m.key !== '0'.repeat(64), 'key');
      break;
    case 'recorder':
      m.sequence = f.number('sequence');
      m.part = statePart(f);
      break;
    case 'seen':
      Object.assign(m, { answers: base64(f.bytes('answers', 32)), sequence: f.number('sequence'), digest: f.hash('digest') });
      break;
    case 'consent':
      Object.assign(m, { answers: base64(f.bytes('answers', 32)), recording: recording(f.field('recording')) });
      Object.assign(m, { sequence: f.number('sequence'), number: f.number('number'), answer: f.oneOf('answer', 'yes', 'no') });
      break;
    case 'noted':
      Object.assign(m, { answers: base64(f.bytes('answers', 32)), recording: recording(f.field('recording')) });
      Object.assign(m, { number: f.count('number'), answer: f.oneOf('answer', 'yes', 'no', 'none') });
      break;
  }
  f.end();
  return m;
}

/** isAddress says whether something can be the address of a store or a page. */
export const isAddress = (v) => v.length <= 512 && address.test(v) && !v.split('/').some((part) => part === '.' || part === '..');

function addressOrNone(f, name) {
  const v = f.field(name);
  if (v === '-') return '';
  check(isAddress(v), name);
  return v;
}

function statePart(f) {
  const p = { phase: f.oneOf('state', 'waiting', 'recording', 'paused', 'stopped') };
  const id = f.field('recording');
  p.recording = id === '-' ? '' : recording(id);
  p.access = f.oneOf('access', 'present', 'whole');
  p.policy = f.oneOf('readers', 'named', 'verified', 'all-pinned');
  p.keeps = f.oneOf('keeps', 'everyone', 'verified');
  p.consent = f.oneOf('consent', 'announce', 'ask');
  p.store = f.oneOf('store', 'folder', 's3');
  p.storeURL = addressOrNone(f, 'store-url');
  p.pageURL = addressOrNone(f, 'page-url');
  const part = f.field('part');
  check(/^[1-9][0-9]?\/[1-9][0-9]?$/.test(part), 'part');
  [p.part, p.of] = part.split('/').map(Number);
  check(p.part <= p.of && p.of <= maxParts, 'part');
  p.readers = [];
  while (f.rest > 0) {
    check(p.readers.length < maxReaders, 'too many readers');
    const [fingerprint, name, ...more] = f.field('reader').split(' ');
    check(more.length === 0 && name !== undefined, 'reader');
    const spelt = fingerprint.split('-');
    check(fingerprint === '-' || spelt.length === 8 && spelt.every((w) => listed.has(w)) && spelt.some((w) => w !== words[0]), 'reader');
    const raw = unbase64(name);
    check(raw.length <= 512, 'reader');
    p.readers.push({ fingerprint: fingerprint === '-' ? '' : fingerprint, name: text(raw) });
  }
  return p;
}

const readerLine = (r) => `reader: ${r.fingerprint || '-'} ${base64(bytes(r.name))}\n`;

function stateLines(p) {
  return `state: ${p.phase}\nrecording: ${p.recording || '-'}\naccess: ${p.access}\nreaders: ${p.policy}\nkeeps: ${p.keeps}\n` +
    `consent: ${p.consent}\nstore: ${p.store}\nstore-url: ${p.storeURL || '-'}\npage-url: ${p.pageURL || '-'}\npart: ${p.part}/${p.of}\n` + p.readers.map(readerLine).join('');
}

/** telling returns what a message says of a state: the lines from sequence on. */
export const telling = (sequence, part) => `sequence: ${sequence}\n` + stateLines(part);

/** parts splits a state into those that fit a message. */
export function parts(state) {
  const out = [{ ...state, readers: [] }];
  let size = 0;
  for (const r of state.readers) {
    const n = readerLine(r).length;
    if ((size += n) > partBytes) {
      size = n;
      out.push({ ...state, readers: [] });
    }
    out.at(-1).readers.push(r);
  }
  out.forEach((p, i) => Object.assign(p, { part: i + 1, of: out.length }));
  return out;
}

/** compose returns the text of a message. */
export function compose(m) {
  const b64 = (s) => base64(bytes(s));
  let s = `${prefix}${m.kind}\nroom: ${b64(m.room)}\nfrom: ${b64(m.from)}\nto: ${b64(m.to)}\ntime: ${time(m.time)}\nnonce: ${m.nonce}\n`;
  switch (m.kind) {
    case 'hello': return s + `answers: ${m.answers || '-'}\ncard: ${b64(m.card)}\n`;
    case 'proof': return s + `answers: ${m.answers}\nown: ${m.own}\nother: ${m.other}\nsid: ${b64(m.sid)}\nkey: ${m.key || '-'}\n`;
    case 'recorder': return s + telling(m.sequence, m.part);
    case 'seen': return s + `answers: ${m.answers}\nsequence: ${m.sequence}\ndigest: ${m.digest}\n`;
    case 'consent': return s + `answers: ${m.answers}\nrecording: ${m.recording}\nsequence: ${m.sequence}\nnumber: ${m.number}\nanswer: ${m.answer}\n`;
    case 'noted': return s + `answers: ${m.answers}\nrecording: ${m.recording}\nnumber: ${m.number}\nanswer: ${m.answer}\n`;
    default: throw new Error(`no message ${m.kind}`);
  }
}

/** codeLines are what the meeting code is made of, and the last lines of a room code. */
export const codeLines = (room, recorderKey, state) => `${prefix}meeting-code\nroom: ${base64(bytes(room))}\nrecording: ${state.recording || '-'}\n` +
  `recorder: ${recorderKey}\n` + state.readers.map(readerLine).join('');

/** meetingCode returns the six words that all see who were told the same. */
export const meetingCode = async (room, recorderKey, state) => spell(await sha256(codeLines(room, recorderKey, state)), 6);
