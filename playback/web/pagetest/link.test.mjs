import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { format, hasSecret, invitationTo, isInvitation, parse, Refused, take, withMoment, withoutSecrets } from "../page/alone/link.js";

// Shared with archive/link.
const { accepted, refused } = JSON.parse(await readFile(new URL("../../../archive/link/testdata/links.json", import.meta.url), "utf8"));

const base64url = (b) => Buffer.from(b).toString("base64url");

/** fields are those of an invitation that are not zero, as in the examples. */
function fields(i) {
	const given = (all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value));
	const meeting = i.meeting.map((p) => p && given({ ...p, root: base64url(p.root), recorder: base64url(p.recorder) === base64url(i.recorder) ? "" : base64url(p.recorder) }));
	return given({ ...i, recorder: base64url(i.recorder), root: base64url(i.root), meeting: meeting.length && meeting });
}

test("an invitation to a meeting is one to each of its parts", () => {
	const i = parse(accepted.find(({ name }) => name.startsWith("between two")).link);
	for (const p of i.meeting.filter(Boolean)) {
		const to = invitationTo(i, p.recording), again = parse(format(to));
		assert.deepEqual(again, to);
		assert.deepEqual([to.recording, to.size, to.share, to.from, to.query], [p.recording, p.size, p.share, 0, i.query]);
		assert.deepEqual(invitationTo(again, i.recording), { ...i, from: 0, to: 0 });
	}
	assert.equal(invitationTo(i, i.recording), null);
	assert.equal(invitationTo(parse(accepted[0].link), i.recording), null);
});

test("what is accepted is read and written alike", () => {
	assert.ok(accepted.length >= 15);
	for (const { name, link, fields: want } of accepted) {
		const i = parse(link);
		assert.deepEqual(fields(i), want, name);
		assert.equal(format(i), link, name);
		assert.deepEqual(parse("#" + link), i, name);
		assert.ok(isInvitation("#" + link), name);
	}
});

test("what is refused is refused for the same reason", () => {
	assert.ok(refused.length >= 100);
	for (const { name, link, refused: why } of refused) {
		assert.throws(() => parse(link), (err) => err instanceof Refused && err.message === "not a link to a recording: " + why, name);
	}
});

test("moments of the page are no invitations", () => {
	for (const hash of ["", "#", "#t=754", "#t=1,2", "#a&b"]) assert.ok(!isInvitation(hash), hash);
	assert.ok(isInvitation("#2&x=y"));
});

/** tab is an address and a history as those of a tab. */
function tab(hash) {
	const at = { pathname: "/tapes/", search: "", hash: "#" + hash };
	const record = {
		state: null, written: [],
		replaceState(state, _, url) {
			record.written.push(url);
			record.state = state;
			at.hash = url.slice(url.indexOf("#"));
		},
	};
	return { at, record };
}

test("secrets leave the address, and a reload still finds them", () => {
	for (const { name, link } of accepted) {
		const { at, record } = tab(link), i = parse(link);
		assert.deepEqual(take(at, record), i, name);
		if (!hasSecret(i)) {
			assert.deepEqual(record.written, [], name);
			continue;
		}
		assert.deepEqual(record.written, ["/tapes/#" + withoutSecrets(link)], name);
		const shown = parse(at.hash);
		assert.ok(!hasSecret(shown) && !shown.expires, name);
		assert.deepEqual(take(at, record), i, name);
		at.hash = withMoment(at.hash, 77);
		assert.deepEqual(take(at, record), { ...i, from: 77, to: 0 }, name);
		// Another link in the same tab is another invitation.
		at.hash = "#" + accepted[0].link.replace("1207", "1208");
		assert.equal(take(at, record).size, 1208, name);
	}
});
