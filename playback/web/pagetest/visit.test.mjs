import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate } from "node:timers/promises";
import { format, invitationTo, parse } from "../page/alone/link.js";

// What the page's modules have in a browser.
const location = { hash: "", origin: "null", protocol: "file:", pathname: "/player.html", search: "", hostname: "" };
Object.assign(globalThis, { location, history: { state: null }, matchMedia: () => ({ matches: false }) });
const { Visit } = await import("../page/alone/visit.js");

const ids = ["01JD3Q8ZC5MEET1NG0000000C0", "01JD3Q8ZC5MEET1NG0000000D0", "01JD3Q8ZC5MEET1NG0000000E0"];
const root = new Uint8Array(32).fill(7), recorder = new Uint8Array(32).fill(9);
const first = {
	...parse(`1&s=https://s3.example.org/b&r=${ids[0]}&k=${Buffer.from(recorder).toString("base64url")}&h=9.${Buffer.from(root).toString("base64url")}`),
	meeting: [null, ...ids.slice(1).map((recording) => ({ recording, size: 9, root, recorder, share: "" }))],
};
const second = invitationTo(first, ids[1]), third = invitationTo(first, ids[2]);

/** visited is a visit whose recordings open when they are told to, and what happened in it. */
function visited() {
	const did = [], opening = [];
	const blank = { restore: () => did.push("blank") };
	const visit = new Visit({}, blank, { store: null, invitation: first }, async (_parts, keyring) => {
		let end;
		const n = opening.length, opened = new Promise((ok, no) => end = { ok: () => ok(null), no });
		opening.push({ keyring, ...end });
		return {
			play: (id, again) => {
				did.push(`open ${ids.indexOf(id) + 1}`);
				opening[n].again = again;
				return opened;
			},
			close: () => {
				did.push("close");
				opening[n].ok();
			},
		};
	});
	return { visit, did, opening };
}

function at(invitation) {
	location.hash = "#" + format(invitation);
}

test("the address leads to another part, and to nothing else", async () => {
	const { visit, did, opening } = visited();
	at(first);
	const played = visit.play(ids[0]);
	await setImmediate();
	opening[0].ok();
	assert.equal(await played, null);
	at({ ...first, recording: "01JD3Q8ZC5MEET1NG0000000F0", meeting: [] });
	assert.equal(visit.follow(), false);
	at({ ...second, from: 7 });
	assert.equal(visit.follow(), true);
	await setImmediate();
	assert.deepEqual(did, ["open 1", "close", "blank", "open 2"]);
});

test("what is being opened is given up for what the address names now", async () => {
	const { visit, did, opening } = visited();
	at(first);
	const played = visit.play(ids[0]);
	await setImmediate();
	at(second);
	assert.equal(visit.follow(), true);
	at(third); // and once more, before the first has ended
	assert.equal(visit.follow(), true);
	await setImmediate();
	assert.deepEqual(did, ["open 1", "close", "close", "close", "blank", "open 3"]);
	at(second);
	assert.equal(visit.follow(), true);
	at(third); // back to the one that was being opened
	assert.equal(visit.follow(), true);
	await setImmediate();
	assert.deepEqual(did.splice(0).slice(6), ["close", "close", "close", "blank", "open 3"]);
	opening.at(-1).ok();
	assert.equal(await played, null);
	at({ ...first, recording: "01JD3Q8ZC5MEET1NG0000000F0", meeting: [] });
	assert.equal(visit.follow(), false);
	assert.equal(new Set(opening.map(({ keyring }) => keyring)).size, 1, "the keys are there for all");
});

test("it goes on from a part that fails", async () => {
	const { visit, did, opening } = visited();
	at(first);
	const failed = visit.play(ids[0]);
	await setImmediate();
	opening[0].no(new Error("it fails"));
	await assert.rejects(failed, /it fails/);
	at(second);
	assert.equal(visit.follow(), true);
	await setImmediate();
	assert.deepEqual(did, ["open 1", "close", "blank", "open 2"]);
	at(first);
	assert.equal(visit.follow(), true);
	await setImmediate();
	assert.equal(did.at(-1), "open 1");
});

test("what did not open is tried again with the same keys", async () => {
	const { visit, did, opening } = visited();
	at(first);
	const played = visit.play(ids[0]);
	await setImmediate();
	opening[0].ok();
	await played;
	opening[0].again();
	await setImmediate();
	assert.deepEqual(did, ["open 1", "close", "blank", "open 1"]);
	assert.equal(opening[0].keyring, opening[1].keyring);
});
