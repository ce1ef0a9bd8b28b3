import assert from "node:assert/strict";
import test from "node:test";
import * as spans from "../page/engine/spans.js";

test("merge sorts and joins what touches", () => {
	assert.deepEqual(spans.merge([[5, 6], [1, 2], [2, 3], [4, 4], [9, 8]]), [[1, 3], [5, 6]]);
	assert.deepEqual(spans.merge([[1, 9], [2, 3]]), [[1, 9]]);
	assert.deepEqual(spans.merge([[1, 2], [2.4, 3]], 0.5), [[1, 3]]);
	assert.deepEqual(spans.merge([]), []);
});

test("find and around agree at the edges", () => {
	const s = [[1, 2], [3, 4]];
	for (const [t, index, there] of [[0, -1, null], [1, 0, s[0]], [1.9, 0, s[0]], [2, 0, null], [3, 1, s[1]], [4, 1, null], [9, 1, null]]) {
		assert.equal(spans.find(s, t), index, `at ${t}`);
		assert.equal(spans.around(s, t), there, `at ${t}`);
		assert.equal(spans.within(s, t), there !== null);
	}
});

test("intersect and without", () => {
	assert.deepEqual(spans.intersect([[0, 5], [7, 9]], [[1, 2], [4, 8]]), [[1, 2], [4, 5], [7, 8]]);
	assert.deepEqual(spans.intersect([[0, 1]], [[1, 2]]), []);
	assert.deepEqual(spans.without([[1, 2], [4, 8]], 0, 9), [[0, 1], [2, 4], [8, 9]]);
	assert.deepEqual(spans.without([[1, 2]], 1, 2), []);
	assert.deepEqual(spans.without([], 3, 4), [[3, 4]]);
});

test("lasting pairs beginnings with ends", () => {
	assert.deepEqual(spans.lasting([[1, true], [2, false], [3, true]], 0, 9), [[1, 2], [3, 9]]);
	assert.deepEqual(spans.lasting([[2, false], [3, true], [3.5, true], [4, false]], 0, 9), [[0, 2], [3, 4]]);
	assert.deepEqual(spans.lasting([], 0, 9), []);
});
