// Whatever members do in whatever order, and whatever is lost, late, out of order or repeated,
// in keys/web's Exchange: as property_test.go has Go's. SEALTAPE_SEEDS are theirs.
import assert from 'node:assert/strict';

import { test } from './run.mjs';
import { World } from './world.mjs';

const seeds = (process.env.SEALTAPE_SEEDS ?? '0,1,2').split(',').map(Number);
const heedWithin = 500;

for (const seed of seeds) {
  test(`in the end those have a key who are to have it, and nobody had one of before they came: ${seed}`, async () => {
    const w = new World(seed);
    const did = [];
    try {
      await run(w, did);
    } catch (err) {
      err.message += `\nseed ${seed}: ${did.join(', ')}`;
      throw err;
    }
  });
}

async function run(w, did) {
  const said = [];
  let repeat = 0;
  w.tamper = (d) => {
    if (repeat) said.push(d);
    return w.rand() < repeat ? [d, said[Math.floor(w.rand() * said.length)]] : [d];
  };
  await w.join('a');
  for (let n = 0; n < 20; n++) {
    if (w.rand() < 0.25) {
      w.loss = pick(w, [0, 0.05, 0.2]);
      repeat = pick(w, [0, 0.1]);
      const most = pick(w, [100, 800, 15_000]);
      w.delay = () => w.rand() * most;
    }
    did.push(await act(w));
    for (let ticks = Math.floor(w.rand() * 25); ticks > 0; ticks--) {
      await w.pass(100);
      assert.deepEqual(open(w), []);
    }
  }
  Object.assign(w, { loss: 0.05, delay: () => 20 });
  repeat = 0;
  for (const s of w.members.values()) for (const o of w.members.values()) if (s !== o) await w.see(s, o); // what was said lately is said to all
  await w.pass(20_000); // what is on its way, too
  await w.settle(100_000);
  await w.pass(100_000);
  await w.settle(60_000); // who lost three heres of somebody waits for the next
  assert.deepEqual(w.early(), []);
}

const pick = (w, all) => all[Math.floor(w.rand() * all.length)];

// open is who refused some time ago, and has keys that a recorder opens. With more than two
// recorders that may take some seconds.
function open(w) {
  const bots = [...w.past, ...w.members.values()].filter((s) => s.recorder);
  const after = heedWithin + (bots.length > 2 ? 5_000 : 0);
  return [...w.members.values()].filter((s) => s.used.length && s.no !== undefined && w.now - s.no >= after)
    .flatMap((s) => bots.filter((r) => r !== s && r.ever.has(s.used.at(-1).key)).map((r) => `${r.identity} opens what ${s.identity} sends after a no`));
}

// decide tells all recorders, also those of whom it has not heard yet that they left.
async function decide(w, s, yes) {
  s.agrees = yes;
  s.no = yes ? undefined : s.no ?? w.now;
  for (const o of [...yes ? [] : w.past, ...w.members.values()]) {
    if (o.recorder && o !== s && (!yes || String(s.x.peers.get(o.identity)?.seat.nonce) === String(o.nonce))) await w.decide(s, o, yes);
  }
}

// act does one thing that people do, or that a server says.
async function act(w) {
  const all = [...w.members.values()];
  const [s, o] = [pick(w, all), pick(w, all)];
  const what = Math.floor(w.rand() * 12);
  if (what < 3 && all.length < 7 || all.length < 2) {
    const name = pick(w, [...'abcdefghij']);
    if (w.members.has(name)) return '';
    const kind = Math.floor(w.rand() * 6);
    const made = await w.join(name, kind === 0 ? { recorder: true, give: 'proved' } : kind === 1 ? { listen: true } : kind === 2 ? { give: 'proved' } : {});
    made.agrees = w.rand() < 0.5;
    for (const other of 'abcdefghij') if (w.rand() < 0.2) made.distrusts.add(other);
    return `join ${name} ${kind}`;
  }
  switch (what) {
    case 3: case 4: {
      const bye = w.rand() < 0.5;
      await w.leave(s, { bye });
      return `leave ${s.identity} ${bye}`;
    }
    case 5:
      if (s === o) return '';
      if (!s.distrusts.delete(o.identity)) s.distrusts.add(o.identity);
      await w.see(s, o);
      return `${s.identity} distrusts ${o.identity}: ${s.distrusts.has(o.identity)}`;
    case 6: case 7:
      await decide(w, s, !s.agrees);
      return `${s.identity} agrees: ${s.agrees}`;
    case 8:
      if (!o.recorder) return '';
      o.phase = o.phase === 'recording' ? 'paused' : 'recording';
      for (const m of all) if (m !== o) await w.see(m, o);
      return `${o.identity} is ${o.phase}`;
    case 9:
      if (s === o) return '';
      await s.x.left(o.identity);
      w.after(w.rand() * 8_000, () => w.members.get(o.identity) === o && w.members.get(s.identity) === s && w.see(s, o));
      return `${s.identity} loses ${o.identity} for a while`;
    case 10: {
      // Somebody is back at once, in another session.
      await w.leave(s, { bye: w.rand() < 0.5 });
      w.after(w.rand() * 5_000, async () => {
        if (w.members.has(s.identity)) return;
        const { give, listen } = s.x.config;
        const again = await w.join(s.identity, { recorder: s.recorder, card: s.card, give, listen });
        Object.assign(again, { agrees: s.agrees, distrusts: s.distrusts, phase: s.phase });
      });
      return `again ${s.identity}`;
    }
    case 11:
      // Yes and no, faster than anything settles.
      for (let n = Math.floor(w.rand() * 6); n > 0 && w.members.get(s.identity) === s; n--) {
        await decide(w, s, !s.agrees);
        await w.pass(100 + Math.floor(w.rand() * 3) * 100);
      }
      return `${s.identity} agrees in the end: ${s.agrees}`;
    default:
      return '';
  }
}
