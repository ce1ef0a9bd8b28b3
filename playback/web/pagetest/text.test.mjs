import assert from "node:assert/strict";
import fs from "node:fs";
import { readFileSync } from "node:fs";
import test from "node:test";
import { plain, sentence } from "../page/view/sentence.js";
import { absence, quiet, wanted } from "../page/view/terms.js";
import * as text from "../page/view/text.js";

test("what strangers wrote stays where it is put", () => {
	assert.equal(text.tame("a\u202eb\u2066c\u2069\u0007d\ufeff"), "abcd");
	assert.equal(text.tame("<b>&amp;</b>\n\tx"), "<b>&amp;</b>\n\tx");
	assert.equal(text.tame("e" + "\u0301".repeat(5000)).length, 7);
	assert.equal(text.tame(null), "");
	assert.equal(text.line(" a \n\n b\u2028c "), "a b c");
	assert.equal(text.clip("👍".repeat(10), 5), "👍".repeat(4) + "…");
	assert.equal(text.clip("x".repeat(1 << 20), 80).length, 80);
	assert.equal(text.signer("Owner (lava-poverty-admit)"), "Owner");
});

test("initials are letters", () => {
	// The cases are those of MP4 files, too.
	for (const [name, want] of JSON.parse(readFileSync(new URL("initials.json", import.meta.url), "utf8"))) {
		assert.equal(text.initials(name), want, name);
	}
	assert.equal(text.hue("ada"), text.hue("ada"));
	assert.ok(text.hue("\ud800") < 12);
});

test("times, lengths and sizes", () => {
	for (const [t, want] of [[0, "0:00"], [65.9, "1:05"], [3723, "1:02:03"], [-1, "0:00"], [NaN, "0:00"]]) assert.equal(text.time(t), want);
	for (const [t, want] of [[0, "0 seconds"], [1, "1 second"], [3661, "1 hour 1 minute 1 second"], [7200, "2 hours"], [120, "2 minutes"]]) assert.equal(text.spokenTime(t), want);
	for (const [t, want] of [[0.44, "0.4 sec"], [9.96, "10 sec"], [59.6, "1 min"], [3600, "1 hr"], [3900, "1 hr 5 min"]]) assert.equal(text.length(t), want);
	for (const [n, want] of [[0, "0 bytes"], [999, "999 bytes"], [1500, "1.5 kB"], [999999, "1 MB"], [3.5e9, "3.5 GB"]]) assert.equal(text.bytes(n), want);
	assert.equal(text.date(""), "");
	assert.equal(text.date("0001-01-01T00:00:00Z"), "");
});

// The types of archive/FORMAT.md, Timeline: each has a sentence, except those
// that lanes and the heading show.
test("every event has its sentence", () => {
	const look = { name: () => "Ada", track: () => ({ who: "Ada", source: "camera" }) };
	const say = (e) => {
		const s = sentence({ t: 1, participant: "ada", track: "7", ...e }, look);
		return s && `${s.kind}: ${plain(s.parts)}`;
	};
	for (const [e, want] of [
		[{ type: "start", text: "weekly" }, "event: Recording started in weekly"],
		[{ type: "stop", reason: "full moon" }, "event: Recording ended: full moon"],
		[{ type: "stop", reason: "everybody has left" }, "event: Recording ended: everybody has left"],
		[{ type: "left-out", text: "camera", reason: "no-video" }, "detail: Ada publishes what is not recorded: camera"],
		[{ type: "join" }, "event: Ada joined"],
		[{ type: "verified", reason: "proof", name: "Ada L." }, "event: Ada proved to be Ada L."],
		[{ type: "verified", reason: "operator", name: "Ada L." }, "event: Ada is Ada L., says the operator"],
		[{ type: "verified" }, "event: Ada is not taken for anybody any more"],
		[{ type: "claimed", name: "Ada L." }, "event: Ada showed a card that nobody had pinned, with the name Ada L."],
		[{ type: "integrity", track: undefined, reason: "member: signature" }, "trouble: Something false arrived as Ada’s word of who they are: it is not signed by the key on the card"],
		[{ type: "hole", from: 1, to: 4, reason: "loss" }, "trouble: Ada’s camera misses 3 sec: packets lost"],
		[{ type: "hole", from: 1, to: 1.2, reason: "what?" }, "detail: Ada’s camera misses 0.2 sec: what?"],
		[{ type: "hole", from: 1, to: 9, reason: "paused" }, "detail: Nothing was kept of Ada’s camera for 8 sec: recording paused"],
		[{ type: "hole", from: 0, to: 6, reason: "consent" }, "detail: Nothing was kept of Ada’s camera for 6 sec: no consent"],
		[{ type: "hole", from: 0, to: 6, reason: "unverified" }, "detail: Nothing was kept of Ada’s camera for 6 sec: not verified yet"],
		[{ type: "consent", reason: "withdrawn" }, "event: Ada withdrew consent"],
		[{ type: "dropped", reason: "chat", count: 1 }, "trouble: Missing: 1 event of the kind “chat” of Ada, too many came at once"],
		[{ type: "reconnect", from: 1, to: 11 }, "trouble: The recorder came back after 10 sec"],
		[{ type: "chat", text: "hi" }, "chat: hi"],
		[{ type: "chat", text: "hi", reason: "cut", size: 9 }, "chat: hi (the rest is not here: it was too long, or its end never came)"],
		[{ type: "stream", text: "plan.pdf", reason: "files", size: 1500 }, "event: Ada sent the file plan.pdf of 1.5 kB on the topic files, which is not kept"],
		[{ type: "name", text: "Ada", name: "Ada L." }, "event: Ada is now called Ada L."],
		[{ type: "hand", reason: "raised" }, "event: Ada raised their hand"],
		[{ type: "hand", reason: "lowered" }, "event: Ada lowered their hand"],
		[{ type: "metadata", text: "{}" }, "detail: The room’s own data changed: {}"],
		[{ type: "stream", reason: "agenda", size: 8 }, "event: Ada sent a text of 8 bytes on the topic agenda, which is not kept"],
		[{ type: "track", reason: "plaintext" }, "event: Ada’s camera came on, without end-to-end encryption"],
		[{ type: "mute" }, "detail: Ada muted the camera"],
		[{ type: "follows", text: "ABC\n" }, "event: This goes on with the meeting of the recording ABC"],
		[{ type: "speaking" }, null],
		[{ type: "title", text: "Board" }, null],
		[{ type: "of a later format" }, null],
	]) assert.equal(say(e), want);
	for (const type of ["announced", "leave", "track", "track-end", "unmute", "screen", "screen-end", "size", "published", "left-out", "reaction", "quality", "keys", "epoch", "integrity", "lost", "pause", "resume", "resealed"]) {
		assert.ok(say({ type }), type);
	}
	for (const reason of ["start", "loss", "no-key", "auth", "plaintext", "key-frame", "reconnect", "bandwidth", "codec", "format", "fault", "spool-full", "paused", "consent", "unverified"]) {
		assert.notEqual(absence(reason).label, reason);
	}
	for (const reason of ["paused", "consent", "unverified"]) assert.ok(wanted(reason) && quiet(reason), reason);
	for (const reason of ["loss", "auth", "reconnect"]) assert.ok(!wanted(reason) && !quiet(reason), reason);
	for (const reason of ["start", "key-frame"]) assert.ok(!wanted(reason) && quiet(reason), reason);
});

test("why something is false or paused is worded", () => {
	const code = fs.readFileSync(new URL("../../../keys/member/peer.go", import.meta.url), "utf8");
	const troubles = [...code.matchAll(/ Trouble = "([a-z-]+)"/g)].map((m) => "member: " + m[1]);
	assert.ok(troubles.length > 10);
	const said = (type, reason, more = {}) => plain(sentence({ t: 0, type, participant: "p", reason, ...more }, { track: () => ({ source: "camera" }) }).parts);
	for (const reason of troubles) assert.doesNotMatch(said("integrity", reason), /member:|: [a-z-]+$/, reason);
	assert.match(said("integrity", "unknown server-injected frame", { track: "1" }), /: a frame that the server put in\. /);
	assert.match(said("integrity", "member: <b>new</b>"), /: <b>new<\/b>$/);
	assert.equal(said("pause", "signal"), "Recording paused: by a signal");
	assert.equal(said("pause", "lunch"), "Recording paused: lunch");
	assert.equal(said("stop", "constructor"), "Recording ended: constructor");
});
