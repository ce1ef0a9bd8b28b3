// What the page shows of keys/web/member.js: who is verified, the meeting code, what the
// recorder says, and the question whether one may be recorded.
import { Attended, watchLink } from '/keys/attended.js';
import { Card, Identity, Member, Pins, Shelf } from '/keys/member.js';

const shelf = new Shelf();
const attended = new Attended(shelf);
const el = (tag, properties = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
};

// begin makes or loads the identity and proves it in the room. state is the page's, and
// changed is called with each change of it.
export async function begin(room, { card: name, pins: notes = [] }, state, changed) {
  let identity = await Identity.load(shelf);
  if (!identity) {
    identity = await Identity.generate({ name });
    await identity.save(shelf);
  }
  const pins = await Pins.load(shelf, identity.card);
  const added = async (card, how) => pins.add(card, { ...how, recorder: card.role === 'recorder' });
  for (const note of notes) await added(await Card.parse(note), { sure: true });
  const member = new Member({ room, identity, pins });
  const m = state.membership = { card: identity.card.note, fingerprint: identity.card.fingerprint, code: '', peers: {}, troubles: [] };
  const update = () => {
    m.code = member.code;
    m.peers = Object.fromEntries(member.peers().map((p) => [p.identity, p.toJSON()]));
    draw(member, m);
    changed();
    const { recorder } = member;
    if (recorder) attended.note(recorder, room.name).then(() => drawAttended(recorder.state.phase === 'stopped' ? '' : recorder.state.recording));
  };
  member.addEventListener('peer', update);
  member.addEventListener('trouble', (e) => {
    m.troubles.push(e.detail);
    update();
  });
  await member.start();
  update();
  return {
    answer: (recorder, yes) => member.answer(recorder, yes),
    pin: async (note, fingerprint) => {
      const card = await Card.parse(note);
      await added(card, { fingerprint });
      for (const p of member.peers()) if (p.card?.key === card.key) await member.pin(p.identity, { sure: true });
      update();
    },
    // From what the browser keeps, as after the page was closed.
    export: async (passphrase) => (await Identity.load(shelf)).export(passphrase, 10), // log2 of scrypt's cost: quick
    stop: () => member.stop(),
  };
}

// drawAttended shows what can be watched: the meetings that this browser attended, whose
// recorder said where they are, but the one that goes on.
async function drawAttended(goesOn) {
  const meetings = (await attended.list()).filter((meeting) => meeting.recording !== goesOn);
  const box = document.querySelector('#attended');
  box.hidden = meetings.length === 0;
  const note = el('p', { className: 'trouble' });
  const watch = async (meeting) => {
    try {
      location.href = await watchLink(meeting);
    } catch (err) {
      note.textContent = err.message;
    }
  };
  box.replaceChildren(el('h2', {}, 'Meetings that you attended'), el('ul', {}, ...meetings.map((meeting) => el('li', {},
    `${meeting.room}, ${new Date(meeting.since).toLocaleString()} `,
    el('button', { className: 'watch', onclick: () => watch(meeting) }, 'Watch')))), note);
}

function draw(member, m) {
  const box = document.querySelector('#membership');
  box.hidden = false;
  const people = Object.values(m.peers).map((p) => el('li', { className: p.standing },
    el('b', {}, p.name ?? p.identity), ` ${p.standing}`, p.fingerprint ? el('small', {}, ` ${p.fingerprint}`) : ''));
  const children = [el('p', {}, 'You show the words ', el('code', {}, m.fingerprint)), el('ul', {}, ...people)];
  const rec = member.recorder;
  if (rec) {
    const readers = rec.state.readers.map((r) => r.name).join(', ');
    children.push(el('p', {}, `${rec.card.name} is ${rec.state.phase}. It can be opened by ${readers}. Read this code to one another: `, el('code', {}, m.code)));
    if (rec.state.consent === 'ask') {
      const button = (yes, label) => el('button', { id: yes ? 'yes' : 'no', onclick: () => member.answer(rec.identity, yes) }, label);
      children.push(el('p', {}, 'May you be recorded? ', button(true, 'Yes'), ' ', button(false, 'No')));
    }
  }
  for (const t of m.troubles.slice(-5)) children.push(el('p', { className: 'trouble' }, `${t.identity || 'someone hidden'}: ${t.detail} (${t.trouble})`));
  box.replaceChildren(...children);
}
