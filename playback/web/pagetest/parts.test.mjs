import assert from "node:assert/strict";
import test from "node:test";
import { nextPart } from "../page/view/next_part.js";

const entry = (id, parts, access = "all") => ({ id, parts, access });

test("the next part of a meeting is the next one that opens", () => {
	const parts = ["a", "b", "c"];
	const list = [entry("b", parts), entry("a", parts), entry("c", parts), entry("x")];
	assert.equal(nextPart(list, "a"), "b");
	assert.equal(nextPart(list, "b"), "c");
	assert.equal(nextPart(list, "c"), "");
	assert.equal(nextPart(list, "x"), "");
	assert.equal(nextPart(list, "gone"), "");
	assert.equal(nextPart([entry("a", parts), entry("b", parts, "none"), entry("c", parts, "part")], "a"), "c");
	assert.equal(nextPart([entry("a", parts)], "a"), "");
});
