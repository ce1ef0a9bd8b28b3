// The messages of keys/PROTOCOL.md that hand out room keys, under "Room keys".
import { maxMessage, recording } from './message.js';
import { base64, bytes, check, Fields, parseNote, prefix, text, time } from './note.js';

const kinds = new Set(['session', 'key', 'here', 'want', 'bye']);
const suite = 'mlkem768x25519'; // HPKE with KEM 0x647a; there is no other
const kemSize = 1216;
const encSize = 1120;
const boxSize = 48;
const maxIndex = 255;
export const tagSize = 8;
export const maxTags = 1024;

const none = '-';
const zeros = '0'.repeat(64);

/** isKeyMessage reports whether a packet is one of these, by its first line. */
export function isKeyMessage(data) {
  const end = data.indexOf(10);
  if (end < 0 || end > 32) return false;
  const first = text(data.subarray(0, end));
  return first.startsWith(prefix) && kinds.has(first.slice(prefix.length));
}

function bytesOrNone(f, name, size) {
  if (f.lines[0] !== `${name}: ${none}`) return f.bytes(name, size);
  f.next();
  return undefined;
}

function hashOrNone(f, name) {
  if (f.lines[0] === `${name}: ${none}`) {
    f.next();
    return '';
  }
  const h = f.hash(name);
  check(h !== zeros, name);
  return h;
}

function index(f) {
  const n = f.count('index');
  check(n <= maxIndex, 'index');
  return n;
}

/** parse reads a message without checking its signature. Nonces are in base64, hashes in
 * hexadecimal; what is not there is undefined or ''. */
export function parse(data) {
  check(data.length <= maxMessage, 'longer than a message may be');
  const note = text(data);
  const { message, signatures } = parseNote(note);
  check(signatures.length === 1, 'one signature');
  const f = new Fields(message);
  const kind = f.next().slice(prefix.length);
  check(kinds.has(kind), 'not a message about keys');
  const m = {
    kind, message, note, signature: signatures[0],
    room: f.text('room'), from: f.text('from'), to: f.text('to'), time: f.time('time'), nonce: base64(f.bytes('nonce', 32)),
  };
  switch (kind) {
    case 'session':
      Object.assign(m, { answers: base64(f.bytes('answers', 32)), generation: f.number('generation') });
      f.oneOf('suite', suite);
      m.kem = f.bytes('kem', kemSize);
      break;
    case 'key':
      parseKey(m, f);
      break;
    case 'here':
      parseHere(m, f);
      break;
    case 'want':
      Object.assign(m, { answers: base64(f.bytes('answers', 32)), number: f.number('number'), chain: f.count('chain') });
      break;
  }
  f.end();
  return m;
}

function parseKey(m, f) {
  Object.assign(m, { answers: base64(f.bytes('answers', 32)), generation: f.number('generation'), enc: bytesOrNone(f, 'enc', encSize) });
  Object.assign(m, { serial: f.count('serial'), chain: f.number('chain'), index: index(f) });
  const id = f.field('recording');
  m.recording = id === none ? '' : recording(id);
  m.state = hashOrNone(f, 'state');
  const why = f.oneOf('why', none, 'unverified', 'consent', 'paused');
  m.why = why === none ? '' : why;
  m.before = m.message.slice(0, m.message.lastIndexOf('\nbox: ') + 1);
  m.box = bytesOrNone(f, 'box', boxSize);
  // There is one form for a key, and one for none.
  const boxed = m.box !== undefined;
  check(boxed === (m.why === '') && boxed === (m.serial > 0) && (boxed || !m.enc), 'a key and a reason for none');
}

function parseHere(m, f) {
  Object.assign(m, { number: f.number('number'), chain: f.count('chain'), index: index(f), commit: hashOrNone(f, 'commit') });
  Object.assign(m, { members: f.number('members'), roster: f.hash('roster'), withheld: bytesOrNone(f, 'withheld') });
  if (m.withheld) check(m.withheld.length > 0 && m.withheld.length % tagSize === 0 && m.withheld.length <= tagSize * maxTags, 'withheld');
  check((m.chain === 0) === (m.commit === '') && (m.chain > 0 || m.index === 0), 'a key without a chain');
}

const line = (name, value) => `${name}: ${value}\n`;
const b64 = (name, b) => line(name, b ? base64(b) : none);

/** compose returns the text of a message, of a key without its last line. */
export function compose(m) {
  const t = (s) => base64(bytes(s));
  let s = `${prefix}${m.kind}\nroom: ${t(m.room)}\nfrom: ${t(m.from)}\nto: ${t(m.to)}\ntime: ${time(m.time)}\nnonce: ${m.nonce}\n`;
  if (m.answers) s += line('answers', m.answers);
  switch (m.kind) {
    case 'session': return s + line('generation', m.generation) + line('suite', suite) + b64('kem', m.kem);
    case 'key': return s + line('generation', m.generation) + b64('enc', m.enc) + line('serial', m.serial ?? 0) + line('chain', m.chain) +
      line('index', m.index) + line('recording', m.recording || none) + line('state', m.state || none) + line('why', m.why || none);
    case 'here': return s + line('number', m.number) + line('chain', m.chain) + line('index', m.index) + line('commit', m.commit || none) +
      line('members', m.members) + line('roster', m.roster) + b64('withheld', m.withheld);
    case 'want': return s + line('number', m.number) + line('chain', m.chain);
    default: return s;
  }
}

/** boxed completes the text of a key. */
export const boxed = (before, box) => before + b64('box', box);
