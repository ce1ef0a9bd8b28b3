import assert from "node:assert/strict";
import test from "node:test";
import { Clock } from "../page/engine/clock.js";
import { Transport } from "../page/engine/transport.js";

/** A track whose media are here or not as a test says. */
function fakeTrack(kind) {
	const track = {
		uid: kind, kind, playing: false, dry: false, excused: false, startDelay: 0, ready: true, until: Infinity,
		aim() {}, heard: () => null, prepare: () => track.ready,
		halt() { track.playing = false; },
		follow(t) { return track.playing = t < track.until; },
		media: { tidy() {}, covered: (t) => t < track.until, around: () => null },
	};
	return track;
}

/** A transport of a sound and a picture, on a machine whose time a test turns. */
function setup(t, { duration = 60, live = false, silences = [] } = {}) {
	let now = 1000;
	t.mock.timers.enable({ apis: ["setInterval"] });
	t.mock.method(performance, "now", () => now * 1000);
	const recording = { duration, live, silences: () => silences }, told = [];
	const sound = fakeTrack("audio"), picture = fakeTrack("video");
	const transport = new Transport({
		recording, clock: new Clock(), tracks: { all: () => [sound, picture], plan() {} }, emit: (change) => told.push(change),
	});
	t.after(() => transport.close());
	/** run lets so many seconds go by. */
	const run = (seconds) => {
		for (const end = now + seconds; now < end - 1e-9;) {
			now += 0.01;
			t.mock.timers.tick(10);
		}
	};
	transport.begin(0);
	return { transport, recording, sound, picture, told, run };
}

const near = (a, b, by = 0.1) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("it gathers, plays, is paused and goes on where it was", (t) => {
	const { transport: p, sound, run } = setup(t);
	assert.deepEqual([p.phase, p.paused, p.waiting], ["paused", true, true]);
	run(0.5);
	assert.deepEqual([p.phase, p.waiting], ["paused", false]);
	sound.ready = false;
	p.play();
	run(1);
	assert.deepEqual([p.phase, p.paused, p.waiting, p.time], ["gathering", false, true, 0]);
	sound.ready = true;
	run(2);
	assert.deepEqual([p.phase, p.waiting], ["playing", false]);
	near(p.time, 2);
	p.pause();
	const at = p.time;
	run(2);
	assert.deepEqual([p.phase, p.time], ["paused", at]);
	p.play();
	run(1);
	near(p.time, at + 1);
});

test("a seek keeps it playing, paused or at the end", (t) => {
	const { transport: p, run } = setup(t);
	p.seek(30);
	assert.deepEqual([p.phase, p.waiting, p.time], ["paused", true, 30]);
	p.play();
	run(1);
	p.seek(50);
	assert.deepEqual([p.phase, p.time], ["gathering", 50]);
	run(1);
	assert.equal(p.phase, "playing");
	run(11);
	assert.deepEqual([p.phase, p.paused, p.waiting, p.time], ["ended", true, false, 60]);
	p.seek(10);
	assert.equal(p.phase, "paused");
	p.seek(60);
	p.play();
	assert.equal(p.time, 0); // from the end it begins anew
	run(1);
	assert.equal(p.phase, "playing");
});

test("sound and pictures keep the others waiting for so long only", (t) => {
	for (const [late, patience] of [["picture", 0.8], ["sound", 2.5]]) {
		const s = setup(t), p = s.transport;
		s.run(0.3);
		s[late].ready = false;
		p.play();
		s.run(patience - 0.1);
		assert.equal(p.phase, "gathering", late);
		s.run(0.3);
		assert.equal(p.phase, "playing", late);
		assert.equal(s[late].excused, false, late); // it came meanwhile
		t.mock.timers.reset();
		t.mock.restoreAll();
	}
});

test("a sound of which nothing is here is waited for", (t) => {
	const { transport: p, sound, run } = setup(t);
	sound.ready = false;
	sound.until = 0;
	p.play();
	run(20);
	assert.equal(p.phase, "gathering");
});

test("who starves goes on with more than nothing", (t) => {
	const { transport: p, sound, picture, run } = setup(t);
	sound.until = 2;
	p.play();
	run(3);
	assert.deepEqual([p.phase, p.paused, p.waiting, sound.playing, picture.playing], ["starved", false, true, false, false]);
	near(p.time, 2);
	sound.until = 2.5;
	run(1);
	assert.equal(p.phase, "starved");
	sound.until = 4;
	run(0.5);
	assert.equal(p.phase, "playing");
	p.pause();
	assert.equal(p.phase, "paused");
});

test("at the end of a recording that goes on it waits for more", (t) => {
	const { transport: p, recording, told, run } = setup(t, { duration: 3, live: true });
	p.play();
	run(4);
	assert.deepEqual([p.phase, p.time], ["starved", 3]);
	const before = told.length;
	run(1);
	assert.equal(told.length, before); // it says so once
	recording.duration = 10;
	p.grown();
	run(1);
	assert.equal(p.phase, "playing");
	recording.live = false;
	run(7);
	assert.equal(p.phase, "ended");
});

test("silence is skipped, if it is to be", (t) => {
	const { transport: p, run } = setup(t, { silences: [[2, 40]] });
	p.play();
	run(3);
	near(p.time, 3);
	p.seek(1.5);
	p.skipSilence = true;
	run(1);
	near(p.time, 40.5, 0.2);
	assert.equal(p.phase, "playing");
});

test("the rate is the clock's, within bounds", (t) => {
	const { transport: p, run } = setup(t);
	p.rate = 2;
	p.play();
	run(2);
	near(p.time, 4);
	p.rate = 9;
	assert.equal(p.rate, 3);
	p.rate = 0;
	assert.equal(p.rate, 1);
});

test("what is closed stays closed", (t) => {
	const { transport: p, sound, told, run } = setup(t);
	p.play();
	run(1);
	p.close();
	assert.equal(sound.playing, false);
	const before = told.length;
	p.seek(3);
	p.play();
	run(1);
	assert.equal(told.length, before);
});

test("paused at the very end it shows what was just before", (t) => {
	const recording = { duration: 60, live: false, silences: () => [] }, planned = [], aimed = [], prepared = [];
	const picture = { ...fakeTrack("video"), aim: (at) => aimed.push(at), prepare: (at) => prepared.push(at) > 0 };
	t.mock.timers.enable({ apis: ["setInterval"] });
	const p = new Transport({ recording, clock: new Clock(), tracks: { all: () => [picture], plan: (at) => planned.push(at) }, emit() {} });
	t.after(() => p.close());
	p.begin(60);
	t.mock.timers.tick(1000);
	assert.deepEqual([p.time, p.waiting, new Set(planned), new Set(aimed), new Set(prepared)], [60, false, new Set([59.95]), new Set([59.95]), new Set([59.95])]);
});
