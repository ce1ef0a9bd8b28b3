import assert from "node:assert/strict";
import test from "node:test";
import { moment } from "../page/view/address.js";

test("the moment that an address asks for", () => {
	for (const [hash, want] of [
		["#t=754", 754], ["#t=12m34s", 754], ["#t=1h2m3s", 3723], ["#t=1h", 3600], ["#t=1.5", 1.5], ["#a=1&t=7&b=2", 7], ["#t=0", 0],
		["", null], ["#t=", null], ["#t=x", null], ["#t=7x", null], ["#start=7", null], ["#t=-7", null],
	]) assert.equal(moment(hash), want, hash);
});
