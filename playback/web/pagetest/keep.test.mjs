import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { FolderStore, nameOf } from "../page/alone/folder.js";
import { keep } from "../page/alone/keep.js";
import { StoreError } from "../page/alone/store.js";

const id = "TP33CGDV64FH3VAPTPMS89SJK4";
const bytes = (text) => new TextEncoder().encode(text);
const digest = (b) => new Uint8Array(createHash("sha256").update(b).digest());
const hex = (b) => createHash("sha256").update(b).digest("hex");

// A store with a recording in it.
function recorded() {
	const objects = new Map([[`${id}/epochs/000001.age`, bytes("epoch")], [`${id}/shares/ABC.age`, bytes("share")]]);
	for (let n = 0; n < 6; n++) objects.set(`${id}/segments/00000${n}.age`, bytes(`segment ${n}`));
	const log = [...objects].filter(([name]) => !name.includes("/shares/")).map(([name, b]) => `${hex(b)}  ${name.slice(27)}\n`).join("");
	objects.set(`${id}/log/0000`, bytes(log));
	objects.set(`${id}/head`, bytes(`sealtape.v1/${id}\n7\nROOT\nstate: closed\n\n— key sig\n`));
	return objects;
}

function storeOf(objects, listed = true) {
	return {
		async get(name) {
			const b = objects.get(name);
			if (b instanceof Error) throw b;
			if (!b) throw new StoreError("absent", "");
			return { bytes: b, digest: digest(b) };
		},
		async list(prefix) {
			if (!listed) throw new StoreError("notListed", "");
			return [...objects.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name, size: 1 }));
		},
	};
}

function placeOf(there = new Map()) {
	const written = [];
	return {
		there, written,
		read: async (name) => there.has(name) ? { bytes: there.get(name), digest: digest(there.get(name)) } : null,
		write: async (name, b) => {
			there.set(name, b);
			written.push(name);
		},
	};
}

test("a copy has all that the log names, and the head comes last", async () => {
	const objects = recorded(), place = placeOf(), told = [];
	const end = await keep(storeOf(objects), id, place, { tell: (p) => told.push(p.objects) });
	assert.deepEqual(new Map([...place.there].sort()), new Map([...objects].sort()));
	assert.deepEqual(place.written.slice(-2), [`${id}/log/0000`, `${id}/head`]);
	assert.equal(end.left, 0);
	assert.equal(end.objects, 8);
	assert.equal(end.bytes, [...objects.values()].reduce((sum, b) => sum + b.length, 0));
	assert.deepEqual(told.slice(0, 3), [0, 1, 2]);
});

test("a copy that broke off goes on with what is missing or wrong", async () => {
	const objects = recorded(), place = placeOf(new Map([[`${id}/segments/000000.age`, objects.get(`${id}/segments/000000.age`)],
		[`${id}/segments/000001.age`, bytes("half")]]));
	await keep(storeOf(objects), id, place);
	assert.deepEqual(new Map([...place.there].sort()), new Map([...objects].sort()));
	assert.ok(!place.written.includes(`${id}/segments/000000.age`) && place.written.includes(`${id}/segments/000001.age`));
});

test("what the store does not give, or gives otherwise, is left out and counted", async () => {
	const objects = recorded(), place = placeOf();
	objects.set(`${id}/segments/000002.age`, bytes("tampered"));
	objects.delete(`${id}/segments/000003.age`);
	objects.set(`${id}/segments/000004.age`, new StoreError("refused", ""));
	const end = await keep(storeOf(objects), id, place);
	assert.equal(end.left, 3);
	assert.ok(place.there.has(`${id}/head`) && !place.there.has(`${id}/segments/000002.age`));
});

test("a store that is away ends it, without a head", async () => {
	const objects = recorded(), place = placeOf();
	objects.set(`${id}/segments/000002.age`, new StoreError("away", ""));
	await assert.rejects(keep(storeOf(objects), id, place), { kind: "away" });
	assert.ok(!place.there.has(`${id}/head`));
});

test("no room ends it, without a head", async () => {
	const place = placeOf();
	place.write = async () => {
		throw new DOMException("full", "QuotaExceededError");
	};
	await assert.rejects(keep(storeOf(recorded()), id, place), { name: "QuotaExceededError" });
	assert.equal(place.there.size, 0);
});

test("where nothing is listed, the share of the link comes along", async () => {
	const place = placeOf();
	await keep(storeOf(recorded(), false), id, place, { share: "ABC" });
	assert.ok(place.there.has(`${id}/shares/ABC.age`));
	const other = placeOf();
	await keep(storeOf(recorded(), false), id, other);
	assert.ok(!other.there.has(`${id}/shares/ABC.age`));
});

test("a head that is none is refused, and log lines that name something else are not followed", async () => {
	const objects = recorded();
	objects.set(`${id}/head`, bytes("<html>"));
	await assert.rejects(keep(storeOf(objects), id, placeOf()), { kind: "refused" });
	const other = recorded(), place = placeOf();
	other.set(`${id}/log/0000`, bytes(`${"0".repeat(64)}  ../secrets/x.age\n${"0".repeat(64)}  segments/../../x.age\n`));
	await keep(storeOf(other), id, place);
	assert.deepEqual([...place.there.keys()].sort(), [`${id}/head`, `${id}/log/0000`, `${id}/shares/ABC.age`]);
});

test("a folder that was picked is a store", async () => {
	const objects = recorded();
	for (const before of ["", "meetings/", "a/b/meetings/"]) {
		const picked = [...objects].map(([name, b]) => ({ path: before + name, file: new File([b], name.split("/").pop()) }));
		picked.push({ path: `${before}${id}/.lock`, file: new File([], ".lock") }, { path: `${before}holiday.jpg`, file: new File([], "x") });
		const store = new FolderStore(picked);
		assert.deepEqual(store.recordings, [id]);
		const { bytes: b, digest: sum } = await store.get(`${id}/segments/000001.age`);
		assert.equal(new TextDecoder().decode(b), "segment 1");
		assert.deepEqual(sum, digest(bytes("segment 1")));
		assert.deepEqual((await store.list(`${id}/shares/`)).map(({ name }) => name), [`${id}/shares/ABC.age`]);
		assert.equal((await store.list("")).length, objects.size);
		await assert.rejects(store.get(`${id}/segments/000009.age`), { kind: "absent" });
		await assert.rejects(store.get(`${id}/segments/000001.age`, { max: 3 }), { kind: "tooLarge" });
	}
	for (const path of ["head", "x/head", `${id}/log`, `${id}/segments/.tmp-1`, `${id}/segments/1.part`, `${id.toLowerCase()}/head`]) assert.equal(nameOf(path), "");
	for (const name of ["shares/ABC.age", "attachments/ABC.age"]) assert.equal(nameOf(`meetings/${id}/${name}`), `${id}/${name}`);
});
