import assert from "node:assert/strict";
import test from "node:test";
import { addressAt, moment, rangeIn } from "../page/view/address.js";

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

test("the moment goes into the address, also into that of an invitation", () => {
	const i = "#1&s=https://s3.example.org/b&r=01JD3Q8ZC5MEET1NG0000000C0&k=x&h=1.y";
	for (const [hash, t, want] of [
		["", 0, ""], ["", 7, "#t=7"], ["#t=7", 8, "#t=8"], ["#t=7,9", 0, ""],
		[i, 0, i], [i, 7, i + "&t=7"], [i + "&t=7", 8, i + "&t=8"], [i + "&t=7,9", 0, i], [i + "&g=z", 7, i + "&t=7&g=z"], [i + "&t=1&g=z&q=a", 7, i + "&t=7&g=z&q=a"],
	]) assert.equal(addressAt(hash, t), want, hash);
	assert.equal(moment(addressAt(i, 754)), 754);
});
