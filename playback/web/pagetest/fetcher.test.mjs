import assert from "node:assert/strict";
import test from "node:test";
import { Fetcher } from "../page/engine/fetcher.js";
import { Trouble } from "../page/engine/source.js";

/** A server whose answers are given by hand. */
function setup(t) {
	const asked = [], got = [], failed = [], told = [];
	const source = {
		segment: (id, number, uids, signal, give) => new Promise((ok, no) => {
			const a = { number, uids, no, give };
			a.ok = (media) => {
				for (const uid of uids) give(uid, media.get(uid) || []);
				ok();
			};
			asked.push(a);
			signal.addEventListener("abort", () => {
				a.aborted = true;
				no(signal.reason);
			});
		}),
	};
	const recording = { id: "01", segments: { list: Array.from({ length: 20 }, (_, i) => ({ number: i + 100 })) } };
	const fetcher = new Fetcher({
		source, recording, give: (uid, i, parts) => got.push([uid, i, parts.length]),
		fail: (i, state) => failed.push([i, state]), trouble: (text) => told.push(text),
	});
	t.after(() => fetcher.close());
	return { fetcher, asked, got, failed, told };
}

const of = (i, ...uids) => [i, new Set(uids)];
const settle = () => new Promise((done) => setImmediate(done));

test("the most urgent comes first, three at once, and each once", async (t) => {
	const { fetcher, asked, got } = setup(t);
	const wants = [of(3, "a", "b"), of(4, "a"), of(5, "a"), of(6, "a")];
	fetcher.want(wants);
	fetcher.want(wants);
	assert.deepEqual(asked.map((a) => a.number), [103, 104, 105]);
	assert.deepEqual(asked[0].uids, ["a", "b"]);
	asked[0].ok(new Map([["a", [{}]]]));
	await settle();
	assert.deepEqual(got, [["a", 3, 1], ["b", 3, 0]]);
	assert.deepEqual(asked.map((a) => a.number), [103, 104, 105, 106]);
});

test("a track that is wanted later is fetched by itself", async (t) => {
	const { fetcher, asked } = setup(t);
	fetcher.want([of(3, "a")]);
	fetcher.want([of(3, "a", "b")]);
	assert.deepEqual(asked.map((a) => a.uids), [["a"], ["b"]]);
	assert.ok(!asked[0].aborted);
});

test("nothing competes with what is urgent", async (t) => {
	const { fetcher, asked } = setup(t);
	fetcher.want([of(3, "a"), of(4, "a")], 1);
	assert.deepEqual(asked.map((a) => a.number), [103]);
	asked[0].ok(new Map());
	await settle();
	assert.deepEqual(asked.map((a) => a.number), [103, 104]);
});

test("a seek gives up what is not wanted any more", async (t) => {
	const { fetcher, asked, got, told } = setup(t);
	fetcher.want([of(3, "a"), of(4, "a")]);
	fetcher.want([of(4, "a"), of(12, "a")]);
	assert.deepEqual(asked.map((a) => !!a.aborted), [true, false, false]);
	await settle();
	assert.deepEqual([got, told], [[], []]);
});

test("what is locked or failed is told once and not asked for again", async (t) => {
	const { fetcher, asked, failed } = setup(t);
	fetcher.want([of(3, "a"), of(4, "a")], 1);
	asked[0].no(new Trouble("locked"));
	await settle();
	asked[1].no(new Trouble("gone"));
	await settle();
	assert.deepEqual(failed, [[3, "locked"], [4, "failed"]]);
	assert.equal(asked.length, 2);
});

test("a store that does not answer is asked again, and told of once", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	let now = 1000;
	t.mock.method(performance, "now", () => now);
	const { fetcher, asked, got, told } = setup(t);
	fetcher.want([of(3, "a")]);
	for (let n = 1; n <= 4; n++) {
		assert.equal(asked.length, n);
		asked[n - 1].no(new Trouble("later", "store"));
		await settle();
		assert.equal(asked.length, n, "not at once");
		now += 3000;
		t.mock.timers.tick(3000);
	}
	asked[4].ok(new Map([["a", [{}]]]));
	await settle();
	assert.deepEqual(got, [["a", 3, 1]]);
	assert.deepEqual(told, ["store", ""]);
});

test("what came before an answer broke off is not asked for again", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	let now = 1000;
	t.mock.method(performance, "now", () => now);
	const { fetcher, asked, got } = setup(t);
	fetcher.want([of(3, "a", "b")]);
	asked[0].give("a", [{}]);
	asked[0].no(new Trouble("later", "broken"));
	await settle();
	now += 3000;
	t.mock.timers.tick(3000);
	assert.deepEqual(asked.map((a) => a.uids), [["a", "b"], ["b"]]);
	assert.deepEqual(got, [["a", 3, 1]]);
});
