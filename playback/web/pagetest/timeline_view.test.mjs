import assert from "node:assert/strict";
import test from "node:test";
import { TimelineView } from "../page/view/timeline_view.js";

test("the timeline's view zooms around a moment, and stays within the recording", () => {
	const recording = { duration: 100 }, view = new TimelineView(recording);
	view.grow();
	const at = () => [view.from, view.to, view.zoomed];
	assert.deepEqual(at(), [0, 100, false]);
	view.zoom(0.5, 50);
	assert.deepEqual(at(), [25, 75, true]);
	view.pan(-30);
	assert.deepEqual(at(), [0, 50, true]);
	view.pan(90);
	assert.deepEqual(at(), [50, 100, true]);
	view.zoom(0.001, 100);
	assert.deepEqual(at(), [90, 100, true]); // no shorter
	recording.duration = 200;
	view.grow();
	assert.deepEqual(at(), [90, 100, true]); // who looks at a part is left there
	view.zoom(Infinity, 95);
	assert.deepEqual(at(), [0, 200, false]);
	recording.duration = 300;
	view.grow();
	assert.deepEqual(at(), [0, 300, false]);
});

test("it turns over where the moment leaves it", () => {
	const view = new TimelineView({ duration: 100 });
	view.grow();
	assert.equal(view.follow(99), false);
	view.zoom(0.2, 0);
	assert.equal(view.follow(10), false);
	assert.equal(view.follow(19.5), true);
	assert.deepEqual([view.from, view.to], [17.5, 37.5]);
	assert.equal(view.follow(3), true);
	assert.deepEqual([view.from, view.to], [1, 21]);
	assert.equal(view.follow(99.5), true);
	assert.deepEqual([view.from, view.to], [80, 100]);
});
