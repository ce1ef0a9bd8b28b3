import assert from "node:assert/strict";
import test from "node:test";
import { after, moves } from "../page/engine/phase.js";

const all = ["play", "pause", "seek", "start", "starve", "end"];

test("each phase allows the moves of the table, and no others", () => {
	for (const [phase, play, pause, seek, start, starve, end] of [
		["paused", "gathering", null, "paused", null, null, null],
		["gathering", null, "paused", "gathering", "playing", "starved", "ended"],
		["playing", null, "paused", "gathering", null, "starved", "ended"],
		["starved", null, "paused", "gathering", "playing", null, "ended"],
		["ended", "gathering", null, "paused", null, null, null],
	]) {
		[play, pause, seek, start, starve, end].forEach((to, i) => {
			if (to) assert.equal(after(phase, all[i]), to, `${all[i]} while ${phase}`);
			else assert.throws(() => after(phase, all[i]), /cannot/, `${all[i]} while ${phase}`);
		});
	}
});

test("every phase can be left, and come back to", () => {
	for (const from of Object.keys(moves)) {
		const seen = new Set();
		const go = (phase) => Object.values(moves[phase]).forEach((to) => {
			if (!seen.has(to)) seen.add(to) && go(to);
		});
		go(from);
		assert.deepEqual([...seen].sort(), Object.keys(moves).sort(), from);
	}
});
