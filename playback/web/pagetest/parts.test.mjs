import assert from "node:assert/strict";
import test from "node:test";
import { goesOnElsewhere, partAfter, partBefore } from "../page/view/parts.js";

const part = (id, access = "all", apart = false) => ({ id, start: "", duration: 1, access, apart });

test("one goes to the next part of a meeting that opens, and back", () => {
	const parts = [part("a"), part("b"), part("c", "part")];
	assert.equal(partAfter(parts, "a")?.id, "b");
	assert.equal(partAfter(parts, "c"), undefined);
	assert.equal(partAfter(parts, "x"), undefined);
	assert.equal(partAfter([], "a"), undefined);
	assert.equal(partBefore(parts, "c")?.id, "b");
	assert.equal(partBefore(parts, "a"), undefined);
	assert.equal(partBefore(parts, "x"), undefined);
});

test("parts that are locked, missing or by somebody else are passed over, and said to be there", () => {
	const locked = [part("a"), part("b", "none"), part("c")], last = [part("a"), part("b", "none"), part("c", "", true)], apart = [part("a", "all", true), part("b")];
	assert.equal(partAfter(locked, "a")?.id, "c");
	assert.equal(partBefore(locked, "c")?.id, "a");
	assert.equal(goesOnElsewhere(locked, "a"), false);
	assert.equal(partAfter(last, "a"), undefined);
	assert.equal(goesOnElsewhere(last, "a"), true);
	assert.equal(goesOnElsewhere(last, "c"), false);
	assert.equal(goesOnElsewhere([part("a")], "a"), false);
	assert.equal(partBefore(apart, "b"), undefined);
});
