import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../page/engine/recording.js";

const tracks = [
	{ uid: "18446744073709551615", participant: "ada", name: "Ada", source: "microphone", codec: "opus", mime: 'audio/webm; codecs="opus"' },
	{ uid: "2", participant: "ada", name: "Ada", source: "camera", codec: "vp8", mime: 'video/webm; codecs="vp8"', width: 640, height: 360 },
	{ uid: "3", participant: "ben", name: "Ben", source: "screen", codec: "vp9", mime: 'video/webm; codecs="vp09.00.10.08"' },
];
const mic = tracks[0].uid;

/** A recording of a minute: 12 segments of 5 s, the sixth locked, the ninth failed. */
function minute(more = {}) {
	const segments = [];
	for (let i = 0; i < 12; i++) {
		const state = i === 5 ? "l" : i === 8 ? "f" : "r";
		const media = [[0]];
		media.push(i % 2 === 0 ? [1, i * 5 + 0.2] : [1]);
		if (i >= 10) media.push([2, i * 5 + 1]);
		segments.push([i, i * 5, Math.min(60, i * 5 + 5.02), state, state === "r" ? media : []]);
	}
	return {
		version: "1", id: "01", state: "closed", room: "room", title: "", start: "2026-01-02T03:04:05Z", duration: 60, tracks, segments,
		events: [
			{ t: 0, type: "start", text: "room" },
			{ t: 0.1, type: "join", participant: "ada", name: "Ada" },
			{ t: 0.2, type: "verified", participant: "ada", name: "Ada Lovelace", reason: "proof" },
			{ t: 0.3, type: "epoch", text: "Ada Lovelace, Eve" },
			{ t: 0.4, type: "track", participant: "ada", track: mic },
			{ t: 4, type: "speaking", participant: "ada", from: 4, to: 9 },
			{ t: 9, type: "speaking", participant: "ada", from: 9, to: 12 },
			{ t: 20, type: "mute", participant: "ada", track: mic },
			{ t: 22, type: "chat", participant: "ben", name: "Ben", text: "<b>hi</b>" },
			{ t: 30, type: "unmute", participant: "ada", track: mic },
			{ t: 31, type: "speaking", participant: "ben", from: 31, to: 32 },
			{ t: 51, type: "screen", participant: "ben", track: "3" },
			{ t: 55, type: "leave", participant: "ada" },
			{ t: 55, type: "track-end", participant: "ada", track: mic },
		],
		holes: [{ track: "2", from: 12, to: 13.5, reason: "loss" }, { track: "2", from: 2, to: 3, reason: "no-key" }],
		...more,
	};
}

test("a Matrix device says who somebody is as long as its user's key does", () => {
	const e = (t, type, more) => ({ t, type, participant: "eve", ...more });
	const r = new Recording(minute({ events: [
		e(1, "join", { name: "Eve" }), e(2, "claimed", { name: "@eve:hs", reason: "matrix" }),
		e(3, "verified", { name: "Eve E.", reason: "matrix" }), e(4, "verified"),
	] }));
	assert.deepEqual([1.5, 2.5, 3.5, 4.5].map((t) => r.howAt("eve", t)), ["claimed", "signed", "matrix", "claimed"]);
	assert.equal(r.person("eve").how, "claimed");
});

test("a proof is worth one stay", () => {
	const e = (t, type, more) => ({ t, type, participant: "eve", ...more });
	const r = new Recording(minute({ events: [
		e(1, "join", { name: "Eve" }), e(2, "claimed", { name: "Ada Lovelace" }), e(3, "verified", { name: "Eve E.", reason: "operator" }),
		e(4, "verified", { name: "Eve E.", reason: "proof" }), e(5, "claimed", { name: "Mallory" }), e(20, "leave"), e(30, "join", { name: "Eve" }),
	] }));
	const at = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 25, 31].map((t) => r.howAt("eve", t));
	assert.deepEqual(at, ["claimed", "claimed", "card", "operator", "proved", "proved", "claimed", "claimed"]);
	assert.equal(r.person("eve").how, "claimed");
	assert.equal(r.howAt("nobody", 1), "unknown");
	// What they proved counts until it does not.
	const x = new Recording(minute({ events: [e(1, "join", { name: "Eve" }), e(2, "verified", { name: "Ada", reason: "proof" }), e(5, "verified")] }));
	assert.deepEqual([1.5, 3, 6].map((t) => x.howAt("eve", t)), ["claimed", "proved", "claimed"]);
	assert.equal(x.person("eve").how, "claimed");
	assert.equal(x.person("eve").name, "Eve");
	// A card that nobody has pinned gives no name.
	const m = new Recording(minute({ events: [e(1, "join", { name: "Eve" }), e(2, "claimed", { name: "Ada Lovelace" })] }));
	assert.equal(m.person("eve").name, "Eve");
	assert.equal(m.person("eve").how, "card");
});

test("what came unencrypted is marked, and a new name is one's name", () => {
	const events = minute().events;
	assert.equal(new Recording(minute()).track(mic).plain, false);
	const r = new Recording(minute({ events: [...events, { t: 40, type: "track", reason: "plaintext", participant: "ada", track: mic },
		{ t: 41, type: "join", participant: "zoe", name: "Zoe" }, { t: 42, type: "name", participant: "zoe", name: "Zoe Z.", text: "Zoe" }] }));
	assert.equal(r.track(mic).plain, true);
	assert.equal(r.person("zoe").name, "Zoe Z.");
});

test("people: when they were there, how their names are known, who reads", () => {
	const r = new Recording(minute());
	const [ada, ben] = r.people;
	assert.equal(ada.name, "Ada Lovelace");
	assert.equal(ada.how, "proved");
	assert.equal(ada.reader, true);
	assert.deepEqual(ada.speaking, [[4, 12]]);
	assert.equal(ada.tracks.length, 2);
	assert.equal(ada.presence[0][0], 0);
	assert.equal(ben.how, "claimed");
	assert.equal(ben.reader, false);
	assert.deepEqual(ben.presence, [[50, 60]]); // by what he sent
	assert.equal(r.person("ben"), ben);
	assert.equal(r.person("nobody"), undefined);
});

test("tracks live from event to event, or as their segments tell", () => {
	const r = new Recording(minute());
	assert.deepEqual(r.track(mic).life, [[0.4, 55]]);
	assert.equal(r.track(mic).kind, "audio");
	assert.deepEqual(r.track("3").life, [[50, 60]]);
	assert.deepEqual(r.holes("2").map((h) => h.reason), ["no-key", "loss"]);
	assert.deepEqual(r.holes("3"), []);
	assert.deepEqual(r.locked, [[25, 30]]);
	assert.deepEqual(r.failed, [[40, 45]]);
});

test("a track whose end nobody can read ends with what is there", () => {
	const json = minute();
	json.events.push({ t: 11, type: "track", participant: "ben", track: "9" }, { t: 51, type: "track", participant: "ben", track: "8" });
	for (const uid of ["9", "8"]) json.tracks = [...json.tracks, { ...tracks[2], uid }];
	for (const i of [2, 3, 4]) json.segments[i][4].push([3]);
	for (const i of [10, 11]) json.segments[i][4].push([4]);
	const r = new Recording(json);
	assert.deepEqual(r.track("9").life, [[11, 25]]); // the segment at 25 is locked
	assert.deepEqual(r.track("8").life, [[51, 60]]);
});

test("at tells who is there, speaks and shows", () => {
	const r = new Recording(minute());
	assert.deepEqual(r.at(5), { present: ["ada"], speaking: ["ada"], screens: [] });
	assert.deepEqual(r.at(52), { present: ["ada", "ben"], speaking: [], screens: ["3"] });
	assert.deepEqual(r.at(31.5).speaking, ["ben"]);
	assert.deepEqual(r.at(60).screens, ["3"]); // who looks at the end sees how it ended
});

test("silences leave a little around words", () => {
	const r = new Recording(minute());
	assert.deepEqual(r.silences(), [[0, 3.5], [12.6, 30.5], [32.6, 60]]);
	assert.deepEqual(new Recording(minute({ events: [] })).silences(), []);
	// Of what is new nobody knows yet who speaks.
	const live = new Recording(minute({ state: "open", duration: 70 }));
	assert.deepEqual(live.silences(), [[0, 3.5], [12.6, 30.5], [32.6, 38]]);
});

test("pictures begin at the last key frame, but not across what cannot be read", () => {
	const r = new Recording(minute());
	assert.equal(r.segments.pictureFrom("2", 11), 2);
	assert.equal(r.segments.pictureFrom("2", 17), 2);
	assert.equal(r.segments.pictureFrom("2", 10.1), 0); // its own key frame comes later
	assert.equal(r.segments.pictureFrom("2", 47), 9); // behind a failed segment: with its first key frame
	assert.equal(r.segments.pictureFrom("3", 58), 11);
	assert.equal(r.segments.pictureFrom("3", 55.5), 10);
	assert.ok(Number.isNaN(r.segments.firstKey(9, "2")));
	assert.equal(r.segments.firstKey(10, "2"), 50.2);
});

test("sound begins where its last packets are", () => {
	const r = new Recording(minute());
	assert.equal(r.segments.soundFrom(mic, 10.01), 2); // too little to fetch a segment for
	// A picture's key frame began the third segment early, and one sender ran ahead.
	const segments = minute().segments;
	segments[2][1] = 9.6;
	segments[6][2] = 100;
	const s = new Recording(minute({ segments }));
	for (const [t, i] of [[9.5, 1], [9.7, 1], [10.1, 2], [31, 6], [36, 6], [41, 8], [46, 9]]) assert.equal(s.segments.soundFrom(mic, t), i);
	assert.equal(s.segments.soundFrom("3", 9.7), 2); // it is not in the one before
	assert.equal(new Recording(minute({ segments: [], tracks: [], duration: 0 })).segments.soundFrom(mic, 3), -1);
});

test("segmentAt and has at the edges", () => {
	const r = new Recording(minute());
	for (const [t, i] of [[-1, 0], [0, 0], [4.99, 0], [5, 1], [59, 11], [99, 11]]) assert.equal(r.segments.at(t), i);
	assert.equal(r.segments.list[0].to, 5); // the next one has the word
	assert.ok(r.segments.has(0, mic) && !r.segments.has(5, mic) && !r.segments.has(0, "3") && !r.segments.has(12, mic));
	assert.equal(new Recording(minute({ segments: [], tracks: [], duration: 0 })).segments.at(3), -1);
});

test("fail marks a segment once", () => {
	const r = new Recording(minute());
	assert.equal(r.segments.fail(3, "failed"), true);
	assert.equal(r.segments.fail(3, "failed"), false);
	assert.deepEqual(r.failed, [[15, 20], [40, 45]]);
	assert.equal(r.segments.has(3, mic), false);
});

test("a recording that goes on grows by what is new", () => {
	const whole = minute({ state: "open" });
	const early = { ...whole, version: "0", duration: 30, segments: whole.segments.slice(0, 6), events: whole.events.slice(0, 8), events_total: 8 };
	const r = new Recording(early);
	assert.ok(r.live);
	assert.deepEqual(r.known, { version: "0", from: 5, events: 8 });
	assert.deepEqual(r.track(mic).muted, [[20, 25]]); // what is locked after that nobody knows
	r.update({ ...whole, state: "closed", segments: whole.segments.slice(5), events: whole.events.slice(8), events_total: whole.events.length });
	const all = new Recording({ ...whole, state: "closed" });
	assert.equal(r.live, false);
	assert.deepEqual(r.segments.list, all.segments.list);
	assert.deepEqual(r.events, all.events);
	assert.deepEqual(r.people, all.people);
});
