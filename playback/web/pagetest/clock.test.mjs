import assert from "node:assert/strict";
import test from "node:test";
import { Clock, median, stretch, trim } from "../page/engine/clock.js";

/** machine is a clock that a test turns by hand. */
function machine() {
	const now = () => now.time;
	now.time = 1000;
	return now;
}

const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("the clock runs, stops, is set and changes its rate", () => {
	const now = machine(), c = new Clock(now);
	now.time += 5;
	near(c.time, 0);
	c.set(60);
	c.start();
	now.time += 2;
	near(c.time, 62);
	c.setRate(3);
	near(c.time, 62);
	now.time += 2;
	near(c.time, 68);
	c.stop();
	now.time += 9;
	near(c.time, 68);
	c.start();
	now.time += 1;
	near(c.time, 71);
});

test("the clock is drawn to a device that runs fast, without a step", () => {
	const now = machine(), c = new Clock(now);
	c.start();
	const device = () => (now.time - 1000) * 1.0002; // 200 ppm
	let before = 0;
	for (let i = 0; i < 3600 * 25; i++) {
		now.time += 0.04;
		near(c.follow([device() - c.time]), 0);
		assert.ok(c.time > before);
		before = c.time;
	}
	near(c.time, device(), 0.002);
});

test("the clock steps with the sound when that stood still", () => {
	const now = machine(), c = new Clock(now);
	c.start();
	now.time += 10;
	near(c.follow([-2, -2.001, 0.01]), -2);
	near(c.time, 8);
});

test("a common delay at the beginning is taken over, that of one is not", () => {
	const now = machine(), c = new Clock(now);
	c.start();
	now.time += 1;
	near(c.follow([-0.03, -0.031, -0.002], true), -0.03);
	now.time += 1;
	near(c.follow([0, 0.05, 0], true), 0);
	near(c.follow([], true), 0);
});

test("the median", () => {
	assert.equal(median([3, 1, 2]), 2);
	assert.equal(median([4, 1, 2, 3]), 2);
	assert.equal(median([7]), 7);
});

test("pictures are trimmed until they are right, sound only where it is off", () => {
	for (const [kind, start, ticks] of [["video", 0.2, 40], ["video", -0.4, 40], ["audio", 0.04, 120], ["audio", -0.1, 180]]) {
		let error = start, factor = 1;
		for (let i = 0; i < ticks; i++) {
			factor = trim(kind, error, factor);
			error += (factor - 1) * 0.04;
		}
		assert.equal(factor, 1, kind);
		assert.ok(Math.abs(error) < 0.008, `${kind} from ${start}: ${error}`);
	}
	assert.equal(trim("audio", 0.011, 1), 1);
	assert.equal(trim("video", 0.005, 1), 1);
});

test("what keeps the pitch delays little by little", () => {
	near(stretch(0.5), 0.033);
	near(stretch(0.75), 0.0165);
	near(stretch(1), 0);
	near(stretch(1.5), -0.005);
	near(stretch(3), -0.022);
	near(stretch(4), -0.022);
});
