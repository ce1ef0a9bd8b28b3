import assert from "node:assert/strict";
import test from "node:test";
import { parts } from "../page/api.js";

function answer(...list) {
	const chunks = [];
	for (const [head, body] of list) {
		for (const bytes of [new TextEncoder().encode(JSON.stringify(head)), body]) {
			const n = new Uint8Array(4);
			new DataView(n.buffer).setUint32(0, bytes.length);
			chunks.push(n, bytes);
		}
	}
	return new Uint8Array(chunks.flatMap((c) => [...c])).buffer;
}

test("parts are taken apart", () => {
	const got = parts(answer([{ track: "7", mime: "audio/webm", from: 1, to: 2, init: 2, init_id: "x", frames: 9 }, new Uint8Array([1, 2, 3])],
		[{ track: "8", mime: "video/webm", from: 1, to: 2, init: 0, init_id: "y" }, new Uint8Array([])],
		[{ track: "8", mime: "video/mp4", from: 2, to: 3, init: 1, init_id: "z" }, new Uint8Array([4])]));
	assert.deepEqual([...got.keys()], ["7", "8"]);
	const [sound] = got.get("7");
	assert.deepEqual([...sound.init], [1, 2]);
	assert.deepEqual([...sound.media], [3]);
	assert.equal(sound.initID, "x");
	assert.deepEqual(got.get("8").map((part) => part.initID), ["y", "z"]);
	assert.equal(got.get("8")[0].media.length, 0);
	assert.equal(parts(new ArrayBuffer(0)).size, 0);
});

test("an answer cut short is trouble", () => {
	const whole = answer([{ track: "7", init: 0 }, new Uint8Array([1, 2, 3])]);
	for (let n = 1; n < whole.byteLength; n++) {
		assert.throws(() => parts(whole.slice(0, n)), { kind: "later" }, `${n} bytes`);
	}
});
