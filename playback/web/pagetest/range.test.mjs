import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../page/engine/recording.js";
import { Range } from "../page/view/range.js";
import { parseTime, time } from "../page/view/text.js";
import { transcript } from "../page/view/transcript.js";

// A player that goes where the test puts it.
function setup() {
	const listeners = [], done = [];
	const player = {
		time: 0, paused: true, duration: 100,
		on: (_, f) => listeners.push(f),
		play: () => done.push("play"),
		pause: () => {
			player.paused = true;
			done.push("pause");
		},
		seek: (t) => {
			player.time = t;
			done.push(t);
			listeners.forEach((f) => f());
		},
	};
	const run = (...times) => times.forEach((t) => {
		player.time = t;
		listeners.forEach((f) => f());
	});
	return { player, range: new Range(player), done, run };
}

test("playback pauses at the end of a range, once", () => {
	const { player, range, done, run } = setup();
	range.span = [10, 20];
	range.play();
	player.paused = false;
	assert.ok(range.playing);
	run(11, 19.95, 20.04);
	assert.deepEqual(done, [10, "play", "pause", 20]);
	assert.ok(!range.playing);
	player.paused = false;
	run(20.1, 25);
	assert.deepEqual(done.length, 4);
	// Whoever comes back to it meets its end again.
	run(15, 20.01);
	assert.deepEqual(done.slice(4), ["pause", 20]);
	// Outside of it nothing stops.
	player.paused = false;
	run(5, 30, 8, 10.1);
	assert.equal(done.length, 6);
});

test("a range is within the recording", () => {
	const { range } = setup();
	let changes = 0;
	range.onChange(() => changes++);
	for (const [span, want] of [[[90, 200], [90, 100]], [[100, 200], null], [[150, 200], null], [null, null], [[0, 5], [0, 5]]]) {
		range.span = span;
		assert.deepEqual(range.span, want);
	}
	assert.equal(changes, 5);
});

test("times are read as they are written", () => {
	for (const [text, want] of [
		["0:00", 0], ["12:34", 754], ["1:02:03", 3723], ["754", 754], ["7.5", 7.5], ["7,5", 7.5], [" 1:05 ", 65], ["1:60", null], ["1:60:00", null],
		["", null], ["x", null], ["-1", null], ["1:2:3:4", null], ["1:", null],
	]) assert.equal(parseTime(text), want, text);
	for (const t of [0, 59, 60, 3599, 3600, 86400]) assert.equal(parseTime(time(t)), t);
});

test("a transcript has what was written and what happened, a line each", () => {
	const r = new Recording({
		version: "1", id: "1", state: "closed", duration: 100, title: "Weekly\u202e\nplan", room: "w", start: "2026-11-20T14:00:00Z", events: [
			{ t: 1, type: "join", participant: "a", name: "Ada" }, { t: 2, type: "join", participant: "b", name: "Ada" },
			{ t: 3, type: "chat", participant: "b", text: "one\ntwo\u202e" }, { t: 4, type: "track", participant: "b", track: "1" },
			{ t: 65, type: "leave", participant: "a" },
		],
	});
	const lines = transcript(r).split("\n");
	assert.equal(lines[0], "Weekly plan");
	assert.deepEqual(lines.slice(2), ["", "0:01\tAda (a) joined", "0:02\tAda (b) joined", "0:03\tAda (b): one", "\ttwo", "1:05\tAda (a) left", ""]);
	assert.deepEqual(transcript(r, [2, 3]).split("\n").slice(3), ["0:02\tAda (b) joined", ""]);
});

test("a transcript has what was said, and tells it from what was written", () => {
	const r = new Recording({
		version: "1", id: "1", state: "closed", duration: 100, room: "w", start: "2026-11-20T14:00:00Z", events: [
			{ t: 1, type: "join", participant: "a", name: "Ada" }, { t: 2, type: "chat", participant: "a", text: "written" },
			{ t: 9, type: "transcription", participant: "a", by: "scribe", from: 3, to: 4, text: "said\u202e" },
			{ t: 9, type: "transcription", participant: "a", by: "scribe", from: 5, to: 6, text: "a guess", reason: "interim plaintext" },
			{ t: 9, type: "transcription", from: 7, to: 8, text: "whose" },
		],
	});
	assert.deepEqual(transcript(r, [2, 50]).split("\n").slice(3), ["0:02\tAda (Chat): written", "0:03\tAda: said",
		"0:05\tAda: a guess (not final: no later version came; came without end-to-end encryption: the server can have written it)", "0:07\tsomeone: whose", ""]);
	// What was attached last takes the place of what was written down live.
	const attached = new Recording({
		version: "1", id: "1", state: "closed", duration: 100, room: "w", start: "2026-11-20T14:00:00Z",
		events: [{ t: 9, type: "transcription", participant: "a", from: 3, to: 4, text: "live" }],
		words: [{ file: "t.vtt", by: "Bob", cues: [[3, 4, "Ada", "attached"]] }],
	});
	assert.deepEqual(transcript(attached).split("\n").slice(3), ["0:03\tAda: attached", ""]);
});
