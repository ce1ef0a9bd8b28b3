import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyring } from "../page/alone/keyring.js";
import { Card, Drawer, Identity, Pins } from "../page/alone/keys_web.js";
import { Recorders } from "../page/alone/recorders.js";

const id = "01JD3Q8ZC5ABCDEFGHJKMNPQR0";
const ada = await Identity.generate({ name: "Ada" });
const file = new Blob([await ada.export("xyzzy", 10)]);

test("the key that the browser keeps is there without a question", async () => {
	const shelf = new Drawer(), questions = [];
	await ada.save(shelf);
	const ask = async (_ring, recording, reason) => {
		questions.push([recording, reason]);
		return false;
	};
	const ring = new Keyring({ place: "own", ask, shelf });
	assert.equal(ring.empty, true);
	assert.equal(await ring.begin(), "Ada");
	assert.equal(await ring.openEpoch(id, 1, []), null);
	assert.deepEqual(questions, []);
	for (const place of ["file", "store", "bucket"]) {
		const other = new Keyring({ place, ask, shelf });
		assert.equal(await other.begin(), "", place);
		assert.equal(other.empty, true, place);
	}
});

test("without a key the reader is asked once, whatever is asked for at once", async () => {
	let asked = 0;
	const ring = new Keyring({ place: "own", shelf: new Drawer(), ask: async () => ++asked > 1 });
	assert.deepEqual(await Promise.all([1, 2, 3].map((n) => ring.openEpoch(id, n, []))), [null, null, null]);
	assert.equal(asked, 1);
	assert.equal(await ring.openEpoch(id, 4, []), null);
	assert.equal(asked, 1, "who goes on without a key is not asked for each epoch");
	assert.equal(await ring.another(id, "locked"), false);
	assert.equal(asked, 1, "nor again because nothing opens");
	assert.equal(await ring.another(id, "none"), true);
	assert.equal(asked, 2);
});

test("what belongs to one recording is left with it, and the keys are not", async () => {
	let asked = 0;
	const opened = [], next = "01JD3Q8ZC5ABCDEFGHJKMNPQR4";
	const ring = new Keyring({ place: "own", shelf: new Drawer(), ask: async () => ++asked > 2 });
	for (const recording of [id, id, next]) assert.equal(await ring.openEpoch(recording, 1, []), null);
	assert.equal(await ring.another(next, "locked"), false);
	assert.equal(asked, 2, "for another recording the reader is asked again, and once");
	ring.watch(next);
	assert.equal(await ring.another(next, "locked"), true);
	assert.equal(asked, 3);

	const { openEpoch } = Identity.prototype, holder = new Keyring({ place: "own", shelf: new Drawer(), ask: async () => assert.fail("asked") });
	await holder.takeFile(file, "xyzzy", false);
	let late = () => {};
	Identity.prototype.openEpoch = async ([which]) => {
		opened.push(which);
		if (which === "late") await new Promise((go) => late = go);
		return `secret of ${which}`;
	};
	const open = (recording, which) => holder.openEpoch(recording, 1, [which]);
	try {
		await open(id, "listed");
		holder.watch(id);
		for (const which of ["a", "a again", "a once more"]) await open(id, which);
		// The other parts of its meeting are described, too.
		for (const which of ["b", "b again"]) assert.equal(await open(next, which), `secret of ${which}`);
		assert.deepEqual(opened.splice(0), ["listed", "a", "b", "b again"]);
		holder.watch(next);
		for (const which of ["b", "b again"]) await open(next, which);
		await open(id, "a");
		holder.watch(id);
		const slow = open(id, "late");
		holder.watch(next);
		late();
		await slow;
		assert.equal(await open(next, "b"), "secret of b");
		assert.deepEqual(opened, ["b", "a", "late", "b"]);
	} finally {
		Identity.prototype.openEpoch = openEpoch;
	}
});

test("a question about a recording that was left is over, and its answer is no other's", async () => {
	const asked = [];
	const ring = new Keyring({ place: "own", shelf: new Drawer(), ask: (_ring, recording, _reason, over) => new Promise((done) => {
		asked.push(recording);
		over.addEventListener("abort", () => done(false));
	}) });
	ring.watch(id);
	const first = ring.another(id, "locked");
	ring.watch("");
	const second = ring.another("01JD3Q8ZC5ABCDEFGHJKMNPQR4", "none");
	assert.notEqual(first, second);
	assert.equal(await first, false);
	assert.deepEqual(asked, [id, "01JD3Q8ZC5ABCDEFGHJKMNPQR4"]);
	const same = ring.another(id, "none");
	ring.watch("");
	assert.deepEqual(await Promise.all([second, same]), [false, false]);
	assert.equal(asked.length, 2, "one question at a time");
});

test("a key is kept where it may be, and only if that is wanted", async () => {
	for (const [place, keep, kept] of [["own", true, true], ["own", false, false], ["file", true, false]]) {
		const shelf = new Drawer(), ring = new Keyring({ place, shelf, ask: async () => false });
		const says = await ring.takeFile(file, "xyzzy", keep);
		assert.equal(ring.empty, false);
		assert.equal(Boolean(await Identity.load(shelf)), kept, `${place} ${keep}`);
		assert.equal(says !== null, kept);
	}
});

test("what is wrong with a key is named", async () => {
	const ring = new Keyring({ place: "own", shelf: new Drawer(), ask: async () => false });
	await assert.rejects(ring.takeFile(file, "plugh", false), { kind: "passphrase" });
	await assert.rejects(ring.takeFile(new Blob(["x"]), "xyzzy", false), { kind: "passphrase" });
	await assert.rejects(ring.takeFile(new Blob([new Uint8Array((1 << 20) + 1)]), "xyzzy", false), { kind: "other" });
	assert.equal(ring.empty, true);
	for (const place of ["store", "bucket"]) {
		const refusing = new Keyring({ place, ask: async () => false });
		await assert.rejects(refusing.takeFile(file, "xyzzy", true), { kind: "other" });
		await assert.rejects(refusing.takePasskey(), { kind: "other" });
		await assert.rejects(refusing.make("Ada"), { kind: "other" });
		assert.equal(await refusing.passkeysPossible(), false);
		assert.equal(refusing.empty, true);
	}
});

test("a recorder that a link names is claimed, and verified once it is pinned", async () => {
	const shelf = new Drawer(), bot = await Identity.generate({ name: "Bot", role: "recorder" }), { key, verifier: { raw }, fingerprint: words } = bot.card;
	const load = () => Recorders.load("own", shelf), signers = async (...claimed) => (await load()).signers(...claimed);
	const claimed = [{ key, name: "", words, verified: false, by: "link" }], verified = [{ key, name: "Bot", words, verified: true, expires: 0 }];
	assert.deepEqual(await signers(raw), claimed);
	assert.deepEqual(Recorders.claimants(claimed), [{ name: key.split("+")[0], words, by: "link" }]);
	assert.deepEqual(await signers(), [], "a link pins nothing");
	const pins = await Pins.load(shelf);
	await pins.add(await Card.parse(ada.card.note), { sure: true });
	await pins.add(await Card.parse(bot.card.note), { sure: true, recorder: true });
	assert.deepEqual(await signers(raw), verified);
	assert.deepEqual(await signers(), verified, "a member is no recorder");
	assert.deepEqual(Recorders.claimants(verified), []);
	assert.deepEqual((await load()).others(), { granters: [{ key: ada.card.key, who: "Ada", revoked: false }], revoked: [], self: [] });
	for (const place of ["file", "store", "bucket"]) assert.deepEqual(await (await Recorders.load(place, shelf)).signers(raw), claimed, place);
	// A link does not bring back whom this browser trusts no more.
	const { cards, ...rest } = await shelf.get("pins");
	const text = `sealtape.v1/revocation\nname: Bot\nkey: ${key}\ntime: 2026-11-29T12:00:00Z\n`, revoked = [[key, `${text}\n${await bot.sign(text)}`]];
	await shelf.set("pins", { ...rest, cards, revoked });
	assert.deepEqual(await signers(raw), []);
	assert.deepEqual((await load()).others().revoked, [{ key, who: "Bot", revoked: true }]);
	await shelf.set("pins", { ...rest, cards: [], revoked });
	assert.deepEqual(await signers(raw), [], "nor when its card is forgotten");
	assert.deepEqual(await signers(raw, ada.card.verifier.raw).then((all) => all.map((s) => s.key)), [ada.card.key], "others that it names are claimed");
});

test("a fleet revokes a recorder whose card nobody pinned, and no other's", async () => {
	const shelf = new Drawer(), fleet = await Identity.generate({ name: "Fleet", role: "recorder", expires: Date.UTC(2100, 0) }), worker = await Identity.generate({ name: "Fleet", role: "recorder" });
	const pins = await Pins.load(shelf);
	await pins.add(await Card.parse(fleet.card.note), { sure: true, recorder: true });
	await pins.add(await Card.parse(ada.card.note), { sure: true });
	const by = async (who, name) => {
		const text = `sealtape.v1/revocation\nname: ${name}\nkey: ${worker.card.key}\ntime: 2026-11-29T12:00:00Z\n`;
		return `${text}\n${await who.sign(text)}`;
	};
	const strangers = async () => (await Recorders.load("own", shelf)).others().revoked;
	await assert.rejects(pins.revoke(await by(ada, "Fleet")), /neither/);
	assert.deepEqual(await strangers(), []);
	await pins.revoke(await by(ada, "Ada"));
	assert.deepEqual(await strangers(), [{ key: worker.card.key, who: "", revoked: true, of: [ada.card.verifier.name] }], "it takes nothing from the fleet's approval");
	await pins.revoke(await by(fleet, "Fleet"));
	assert.deepEqual(await strangers(), [{ key: worker.card.key, who: "", revoked: true, of: [fleet.card.verifier.name] }]);
	await pins.revoke(await by(worker, "Fleet"));
	assert.equal((await strangers()).length, 1);
	const [{ expires }] = await (await Recorders.load("own", shelf)).signers();
	assert.equal(expires, fleet.card.expires / 1000);
});

test("one's own grants count", async () => {
	const shelf = new Drawer();
	await ada.save(shelf);
	const { self, granters } = (await Recorders.load("own", shelf)).others();
	assert.deepEqual([self, granters.map((g) => g.who)], [[ada.card.key], ["Ada"]]);
});
