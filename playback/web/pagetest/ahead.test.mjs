import assert from "node:assert/strict";
import test from "node:test";
import { AheadStore } from "../page/alone/ahead.js";

/** A store that notes what it is asked for. */
function setup(t, known, bytes = 3) {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const asked = [];
	const store = {
		get: async (name) => {
			asked.push(name);
			if (name.endsWith("gone")) throw new Error("gone");
			return { bytes: new Uint8Array(bytes), digest: new Uint8Array(32) };
		},
		list: async (prefix) => [prefix],
	};
	return { asked, ahead: new AheadStore(store, { recording: "ID", size: 40, share: "", from: 0, ...known }) };
}

test("what opens a recording is on its way at once, and is fetched once", async (t) => {
	const { asked, ahead } = setup(t, {});
	const early = ["ID/head", "ID/log/0000", "ID/epochs/000001.age", "ID/index/000000.age", "ID/segments/000000.age"];
	assert.deepEqual(asked, early);
	for (const name of early) await ahead.get(name, { max: 3 });
	// The share that opens an epoch is tried on the index.
	structuredClone(null, { transfer: [(await ahead.get("ID/index/000000.age")).bytes.buffer] });
	assert.equal((await ahead.get("ID/index/000000.age")).bytes.length, 3);
	assert.deepEqual(asked, early);
	await ahead.get("ID/head"); // it may be another by now
	await ahead.get("ID/segments/000001.age");
	assert.deepEqual(asked.slice(5), ["ID/head", "ID/segments/000001.age"]);
	assert.deepEqual(await ahead.list("ID/"), ["ID/"]);
});

test("the first segment is left where another one is played first", (t) => {
	assert.equal(setup(t, { from: 7 }).asked.includes("ID/segments/000000.age"), false);
});

test("bounds and signals of who asks count", async (t) => {
	const { asked, ahead } = setup(t, { from: 7 }, 9);
	await ahead.get("ID/head", { max: 8 }); // the store says that it is too large
	assert.equal(asked.filter((name) => name === "ID/head").length, 2);
	await assert.rejects(ahead.get("ID/log/0000", { signal: AbortSignal.abort(new Error("stopped")) }), /stopped/);
});

test("what nobody asks for is not kept", async (t) => {
	const { asked, ahead } = setup(t, {});
	t.mock.timers.tick(15_000);
	await ahead.get("ID/segments/000000.age");
	assert.equal(asked.filter((name) => name === "ID/segments/000000.age").length, 2);
});

test("a link's size and share say what else there is", (t) => {
	const { asked } = setup(t, { size: 3000, share: "ABC", from: 7 });
	assert.deepEqual(asked, ["head", "log/0000", "epochs/000001.age", "shares/ABC.age", "index/000000.age", "log/0001", "log/0002",
		"index/000001.age", "index/000002.age", "index/000003.age"].map((name) => "ID/" + name));
});
