import assert from "node:assert/strict";
import test from "node:test";
import { moment, rangeIn } from "../page/view/address.js";

test("the moment that an address asks for", () => {
	for (const [hash, want] of [
		["#t=754", 754], ["#t=12m34s", 754], ["#t=1h2m3s", 3723], ["#t=1h", 3600], ["#t=1.5", 1.5], ["#a=1&t=7&b=2", 7], ["#t=0", 0],
		["", null], ["#t=", null], ["#t=x", null], ["#t=7x", null], ["#start=7", null], ["#t=-7", null],
	]) assert.equal(moment(hash), want, hash);
});

test("the range that an address asks for", () => {
	for (const [hash, want] of [
		["#t=754,790", [754, 790]], ["#t=1m,1m30.5s", [60, 90.5]], ["#t=0,7", [0, 7]], ["#t=,7", [0, 7]], ["#a=1&t=7,8&b=2", [7, 8]],
		["#t=754", null], ["#t=7,", null], ["#t=7,7", null], ["#t=8,7", null], ["#t=7,x", null], ["#t=7,8,9", null], ["", null],
	]) assert.deepEqual(rangeIn(hash), want, hash);
	assert.equal(moment("#t=754,790"), 754);
});
