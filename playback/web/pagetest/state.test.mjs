import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../page/engine/recording.js";
import { stateOf } from "../page/engine/state.js";

const r = new Recording({
	version: "1", id: "01", state: "closed", duration: 30,
	tracks: [
		{ uid: "1", participant: "ada", source: "microphone", codec: "opus", mime: 'audio/webm; codecs="opus"' },
		{ uid: "2", participant: "ada", source: "camera", codec: "h265", mime: 'video/mp4; codecs="hvc1"' },
	],
	segments: [[0, 0, 5, "r", [[0], [1, 0]]], [1, 5, 10, "l", []], [2, 10, 15, "f", []], [3, 15, 20, "r", [[0], [1, 16]]], [5, 25, 30, "u", []]],
	events: [
		{ t: 0, type: "track", track: "1" }, { t: 0, type: "track", track: "2" }, { t: 2, type: "mute", track: "1" }, { t: 3, type: "unmute", track: "1" },
		{ t: 18, type: "track-end", track: "1" }, { t: 18, type: "track-end", track: "2" },
	],
	holes: [{ track: "2", from: 1, to: 2, reason: "no-key" }],
});

const there = { there: true, covered: true, unsupported: false, broken: "", paused: false, waiting: false };
const gone = { ...there, there: false };

test("the state of a track, in a word", () => {
	for (const [uid, t, now, state, reason = ""] of [
		["1", 0.5, there, "playing"],
		["1", 0.5, { ...there, paused: true }, "paused"],
		["1", 0.5, { ...there, waiting: true }, "waiting"],
		["1", 0.5, gone, "playing"], // nobody speaks, so nothing is sent
		["1", 2.5, there, "muted"],
		["1", 2.5, gone, "muted"],
		["1", 0.5, { ...gone, covered: false }, "waiting"],
		["2", 1.5, gone, "hole", "no-key"],
		["2", 1.5, there, "playing"],
		["2", 4, gone, "hole", "key-frame"],
		["2", 4, { ...gone, broken: "cannot" }, "unsupported", "cannot"],
		["2", 4, { ...gone, unsupported: true }, "unsupported"],
		["1", 7, gone, "locked"],
		["1", 12, gone, "failed"],
		["1", 19, gone, "absent"],
		["2", 19, { ...gone, unsupported: true }, "absent"],
		["1", 27, gone, "failed", "unlisted"],
		["9", 1, gone, "absent"],
	]) {
		const got = stateOf(r, uid, t, now);
		assert.deepEqual([got.state, got.reason], [state, reason], `track ${uid} at ${t}`);
	}
	assert.equal(stateOf(r, "2", 4, gone).codec, "h265");
});
