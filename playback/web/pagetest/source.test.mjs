import assert from "node:assert/strict";
import test from "node:test";
import { HTTPSource } from "../page/engine/http_source.js";
import { Splitter } from "../page/engine/splitter.js";

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

const list = [
	[{ track: "7", mime: "audio/webm", from: 1, to: 2, init: 2, init_id: "x", frames: 9 }, new Uint8Array([1, 2, 3])],
	[{ track: "8", mime: "video/webm", from: 1, to: 2, init: 0, init_id: "y" }, new Uint8Array([])],
	[{ track: "8", mime: "video/mp4", from: 2, to: 3, init: 1, init_id: "z" }, new Uint8Array([4])],
];
const whole = answer(...list);

test("parts are taken apart, however they come", () => {
	for (let size = 1; size <= whole.byteLength; size++) {
		const splitter = new Splitter(), got = [];
		for (let at = 0; at < whole.byteLength; at += size) got.push(...splitter.push(new Uint8Array(whole.slice(at, at + size))));
		splitter.end();
		assert.deepEqual(got.map((p) => [p.track, p.mime, p.initID, [...p.init], [...p.media]]), [
			["7", "audio/webm", "x", [1, 2], [3]], ["8", "video/webm", "y", [], []], ["8", "video/mp4", "z", [4], []],
		], `${size} bytes at a time`);
	}
});

test("an answer cut short is trouble", () => {
	const ends = list.map((_, i) => answer(...list.slice(0, i + 1)).byteLength);
	for (let n = 1; n <= whole.byteLength; n++) {
		const splitter = new Splitter();
		assert.equal(splitter.push(new Uint8Array(whole.slice(0, n))).length, ends.filter((end) => end <= n).length);
		if (ends.includes(n)) splitter.end();
		else assert.throws(() => splitter.end(), { kind: "later" }, `${n} bytes`);
	}
	assert.throws(() => new Splitter().push(new Uint8Array([255, 0, 0, 0])), { kind: "later" });
});

test("each track is given once, whole, also if it sent nothing", async (t) => {
	let asked;
	t.mock.method(globalThis, "fetch", async (url) => {
		asked = String(url);
		return new Response(whole);
	});
	const source = new HTTPSource("http://127.0.0.1/TOKEN/"), got = [];
	await source.segment("a/b", 3, ["7", "8", "9"], null, (uid, parts) => got.push([uid, parts.length]));
	assert.deepEqual(got, [["7", 1], ["8", 2], ["9", 0]]);
	assert.equal(asked, "http://127.0.0.1/TOKEN/api/recordings/a%2Fb/segments/3?tracks=7,8,9");
});

test("what an answer's status means", async (t) => {
	const source = new HTTPSource("http://127.0.0.1/TOKEN/");
	for (const [status, kind, why] of [[423, "locked", "status"], [422, "failed", "status"], [404, "gone", "status"], [503, "later", "store"], [500, "later", "status"]]) {
		t.mock.method(globalThis, "fetch", async () => new Response('{"error":"x"}', { status }));
		await assert.rejects(source.segment("1", 3, ["7"], null, () => assert.fail("given")), { kind, why });
	}
	t.mock.method(globalThis, "fetch", async () => {
		throw new TypeError("refused");
	});
	await assert.rejects(source.recording("1"), { kind: "later", why: "silent" });
});
