import { Room } from 'livekit-client';
import { Attended, Identity, keeping, Pins, RoomKeys, Shelf, watchLink } from 'sealtape-keys';

let asked; // a recorder's question, until it is answered
let meeting; // as it can be watched afterwards
const { url, token, name } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const shelf = new Shelf(); // IndexedDB: the identity and the people that one trusts stay here
let identity = await Identity.load(shelf);
if (!identity) await (identity = await Identity.generate({ name })).save(shelf);
const pins = await Pins.load(shelf, identity.card);
const attended = new Attended(shelf);
keeping().then((kept) => { // what the recordings are sealed to must not be lost
  if (kept !== 'kept') warn('This browser may delete your key, and nobody else has it. ', button('Save it in a file', save));
});

const keys = new RoomKeys({ identity, pins, recorders: 'ask' });
const worker = new Worker('livekit-client.e2ee.worker.mjs', { type: 'module' }); // of livekit-client/dist
const room = new Room({ encryption: { keyProvider: keys.provider, worker } });
room.on('trackSubscribed', (track) => at('media').append(track.attach()));
room.on('trackUnsubscribed', (track) => track.detach().forEach((e) => e.remove()));
keys.addEventListener('peer', draw);
keys.addEventListener('left', draw);
keys.addEventListener('code', draw);
keys.addEventListener('ask', (e) => { asked = e.detail; draw(); });
keys.addEventListener('trouble', (e) => warn(`${nameOf(e.detail.identity)} ${e.detail.detail}.`));
keys.addEventListener('peer', async (e) => { meeting = await attended.note(e.detail, room.name) ?? meeting; });
await keys.connect(room, url, token);
await room.localParticipant.enableCameraAndMicrophone();

function draw() {
  at('code').replaceChildren('Everybody here should see these words. Read them to one another: ', el('code', keys.code));
  at('people').replaceChildren(el('li', el('b', `${identity.card.name} (you)`), el('br'), 'Your words: ', el('code', identity.card.fingerprint)),
    ...keys.peers.filter((p) => p.identity !== keys.recorder?.identity).map(person));
  const r = keys.recorder;
  at('recording').hidden = !r && !meeting;
  if (r && r.state.phase !== 'stopped') at('recording').replaceChildren(...recording(r));
  else if (meeting) at('recording').replaceChildren(el('h2', 'The recording has ended'), button('Watch', async () => { location.href = await watchLink(meeting); }));
}

function person(p) {
  if (p.standing === 'unknown') return el('li', el('b', p.identity), el('br'), 'has not shown who they are yet. You give them nothing.');
  if (p.standing === 'claimed' && p.role === 'recorder') {
    return el('li', el('b', p.name), ' says that it records. It gets nothing from you. Its words: ', el('code', p.fingerprint),
      el('br'), button('This is our recorder', () => keys.pin(p.identity, { fingerprint: p.fingerprint, recorder: true })));
  }
  if (p.standing === 'claimed') {
    return el('li', el('b', p.name), ' calls themselves so. You do not hear each other until both of you have compared words. Theirs: ', el('code', p.fingerprint),
      el('br'), button('They read me these words', () => keys.pin(p.identity, { fingerprint: p.fingerprint })));
  }
  const both = p.mine === 'given' && p.theirs === 'given';
  return el('li', el('b', p.name), el('span.good', ' ✓ verified '), el('small', both ? 'You hear each other.'
    : p.theirs === 'unverified' ? `${p.name} has not verified you yet: let them compare your words.` : 'Keys are on their way.'),
  keys.recorder ? el('small', p.recorded ? ' Is recorded.' : ' Is not recorded.') : '');
}

function recording(r) {
  const who = r.state.readers.map((x) => x.name).join(', ') || 'nobody';
  const does = { waiting: 'is about to record', recording: 'is recording', paused: 'has paused', stopped: 'has stopped' }[r.state.phase];
  const you = { yes: 'You agreed: you are recorded.', no: 'You refused: it cannot see or hear you.', paused: 'You paused: it cannot see or hear you.', '': '' }[r.answer];
  const added = asked?.added.map((x) => x.name).join(', ');
  const say = (text, yes) => button(text, () => { asked = undefined; return keys.answer(r.identity, yes); });
  return [el('h2', `${r.name} ${does}`), el('p', 'These people can open the recording: ', el('b', who)),
    added ? el('p.warn', `New among them, and not verified by you: ${added}. You are not recorded until you agree again.`) : '',
    el('p', you || 'It cannot see or hear you unless you agree.'),
    ...r.answer === 'yes' ? [button('Pause me', () => keys.pause()), say('Stop recording me', false)]
      : r.answer === 'paused' ? [button('Go on recording me', () => keys.resume()), say('Stop recording me', false)]
        : r.answer === 'no' ? [say('Agree after all', true)] : [say('Agree', true), say('Refuse', false)]];
}

async function save() {
  const passphrase = prompt('A new passphrase for the file');
  if (!passphrase) return;
  const href = URL.createObjectURL(new Blob([await identity.export(passphrase)]));
  Object.assign(el('a'), { href, download: 'my-key.age' }).click();
}

function at(id) { return document.getElementById(id); }
function nameOf(id) { return keys.peers.find((p) => p.identity === id)?.name || id || 'Somebody who is hidden'; }
function button(text, f) {
  return Object.assign(el('button', text), { onclick: () => Promise.resolve(f()).catch((e) => warn(e.message)).finally(draw) });
}
function el(tag, ...children) {
  const [name, cls = ''] = tag.split('.');
  const e = Object.assign(document.createElement(name), { className: cls });
  e.append(...children);
  return e;
}
function warn(...text) {
  at('warnings').hidden = false;
  at('warnings').append(el('p', ...text));
}
