import assert from "node:assert/strict";
import test from "node:test";
import { stocked } from "../page/engine/gathering.js";

const track = (kind, until) => ({ kind, media: { covered: (t) => t < until } });

test("what is enough to go on after a stop", () => {
	const closed = { duration: 100, live: false }, live = { duration: 100, live: true };
	for (const [tracks, recording, t, rate, want] of [
		[[track("audio", 50)], closed, 10, 1, true],
		[[track("audio", 10.5)], closed, 10, 1, false],
		[[track("audio", 11.5)], closed, 10, 1, true],
		[[track("audio", 11.5)], closed, 10, 2, false], // it is a second of the viewer's
		[[track("video", 10), track("audio", 50)], closed, 10, 1, true], // pictures come when they come
		[[track("audio", 99.96)], closed, 99.5, 1, true],
		[[track("audio", 10)], closed, 99.97, 1, true], // there is nothing more
		[[track("audio", 200)], live, 98.5, 1, true],
		[[track("audio", 200)], live, 99.5, 1, false], // what is recorded now is not here
	]) assert.equal(stocked(tracks, recording, t, rate), want, `at ${t}, rate ${rate}`);
});
