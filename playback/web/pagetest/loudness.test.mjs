import assert from "node:assert/strict";
import test from "node:test";
import { Loudness } from "../page/engine/loudness.js";

/** The mean square of one ear that has a loudness, in LUFS. */
const square = (lufs) => 10 ** ((lufs + 0.691) / 10) / 2;

/** heard is a Loudness after blocks of these loudnesses, each [LUFS, how many]. */
function heard(...blocks) {
	const l = new Loudness();
	for (const [lufs, n] of blocks) for (let i = 0; i < n; i++) l.add(square(lufs));
	return l;
}

test("a speaker is levelled to -20 LUFS, by 15 dB at most, and silence does not count", () => {
	for (const [blocks, loudness, gain] of [
		[[], null, 0],
		[[[-30, 2]], null, 0],
		[[[-30, 10]], -30, 10],
		[[[-10, 10]], -10, -10],
		[[[-45, 10]], -45, 15],
		[[[-2, 10]], -2, -15],
		[[[-60, 10]], -60, 0],                   // nobody speaks: it is noise
		[[[-30, 10], [-Infinity, 500]], -30, 10],
		[[[-30, 10], [-75, 500]], -30, 10],
		[[[-30, 10], [-50, 100]], -30, 10],      // pauses with noise
		[[[-30, 50], [-15, 200]], -15, -5],      // only the last minute counts
	]) {
		const l = heard(...blocks);
		if (loudness === null) assert.equal(l.value, null);
		else assert.ok(Math.abs(l.value - loudness) < 0.01, `${JSON.stringify(blocks)}: ${l.value}`);
		assert.ok(Math.abs(l.gain - gain) < 0.01, `${JSON.stringify(blocks)}: ${l.gain}`);
	}
	const l = new Loudness();
	for (const bad of [NaN, -1, Infinity]) l.add(bad);
	assert.equal(l.value, null);
});
