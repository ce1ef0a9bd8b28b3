import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../page/engine/recording.js";
import { TrackMedia } from "../page/engine/track_media.js";

/**
 * A SourceBuffer that notes what it is given: a media's bytes are the segment's index,
 * its beginning and its end, in seconds.
 */
class FakeBuffer extends EventTarget {
	updating = false;
	log = [];
	held = [];
	room = Infinity; // segments
	chokesOn = -1;

	get buffered() {
		return { length: this.held.length, start: (i) => this.held[i][1], end: (i) => this.held[i][2] };
	}

	appendBuffer(bytes) {
		this.source.readyState = "open";
		const [i, from, to] = bytes;
		if (bytes.length > 0 && this.held.length >= this.room) throw new DOMException("full", "QuotaExceededError");
		if (i === this.chokesOn) throw new DOMException("no frame", "EncodingError");
		if (bytes.length > 0) this.held.push([i, from, to]);
		this.#done(bytes.length > 0 ? i : "init");
	}

	remove(from, to) {
		this.source.readyState = "open";
		this.held = this.held.filter(([, a, b]) => a < from || b > to);
		this.#done(`cut ${from} to ${to}`);
	}

	#done(what) {
		this.log.push(what);
		this.updating = true;
		setImmediate(() => {
			this.updating = false;
			this.dispatchEvent(new Event("updateend"));
		});
	}
}

class FakeSource extends EventTarget {
	static made = [];
	readyState = "open";
	constructor() {
		super();
		FakeSource.made.push(this);
		setImmediate(() => this.dispatchEvent(new Event("sourceopen")));
	}
	addSourceBuffer() { return this.buffer = Object.assign(new FakeBuffer(), { source: this }, FakeSource.next); }
	endOfStream() {
		assert.ok(this.readyState === "open" && !this.buffer.updating);
		this.readyState = "ended";
		this.duration = this.buffer.held.at(-1)[2];
	}
}

/** A track of sound in segments of 5 s, without one in the fourth. */
function setup(t, next = {}, over = () => true) {
	FakeSource.made = [];
	FakeSource.next = next;
	globalThis.MediaSource = FakeSource;
	t.mock.method(URL, "createObjectURL", () => "blob:");
	t.mock.method(URL, "revokeObjectURL", () => {});
	const recording = new Recording({
		version: "1", id: "01", state: "closed", duration: 60,
		tracks: [{ uid: "7", participant: "ada", source: "microphone", codec: "opus", mime: "audio/webm" }],
		segments: Array.from({ length: 12 }, (_, i) => [i, i * 5, i * 5 + 5, "r", i === 3 ? [] : [[0]]]),
	});
	const told = [], element = { currentTime: 0, removeAttribute() {}, load() {} };
	const media = new TrackMedia(recording.segments, recording.track("7"), element, {
		changed() {}, over, restarting: () => told.push("restarting"), broken: (text) => told.push(text),
	});
	const part = (i) => ({
		track: "7", mime: "audio/webm", from: i * 5, to: i * 5 + 5, initID: "a", init: new Uint8Array(0),
		media: new Uint8Array([i, i * 5, i * 5 + 5]),
	});
	const give = (...list) => list.forEach((i) => media.give(i, [part(i)]));
	media.aim(0);
	return { media, told, give, source: () => FakeSource.made.at(-1), buffer: () => FakeSource.made.at(-1).buffer };
}

async function settle() {
	for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
}

test("segments go in in their order, whatever they come in", async (t) => {
	const { media, give, buffer } = setup(t);
	assert.deepEqual(media.lacks(12), [0, 1, 2]);
	give(2, 1);
	assert.deepEqual(media.lacks(12), [0]);
	assert.equal(media.covered(0), false);
	give(0);
	await settle();
	assert.deepEqual(buffer().log, ["init", 0, 1, 2]);
	assert.deepEqual([media.covered(14), media.covered(17), media.covered(21)], [true, true, false]); // it sent nothing from 15 to 20
	assert.deepEqual(media.lacks(22), [4]);
	assert.deepEqual(media.around(7), [5, 10]);
	assert.equal(media.after(7), 10);
});

test("who seeks to what is here keeps it, and elsewhere begins anew", async (t) => {
	const { media, give, buffer } = setup(t);
	give(0, 1, 2);
	await settle();
	media.aim(7);
	assert.deepEqual(media.lacks(9), []);
	media.aim(42);
	assert.equal(media.around(7), null);
	assert.deepEqual(media.lacks(47), [8, 9]);
	give(8);
	await settle();
	assert.deepEqual(buffer().log, ["init", 0, 1, 2, "cut 0 to 10000000", 8]);
	assert.deepEqual(media.lacks(47, 12), [9]); // a jump back begins its run when it comes
});

test("what the browser chokes on is left out", async (t) => {
	const { media, give, told } = setup(t, { chokesOn: 1 });
	give(0, 1, 2);
	await settle();
	assert.deepEqual(told, ["restarting", "no frame"]);
	assert.deepEqual([media.spoils(2), media.spoils(7)], [false, true]);
	assert.deepEqual(media.lacks(12), [0, 2]); // all but that again
	give(0, 2);
	await settle();
	assert.deepEqual([media.covered(2), media.covered(7), media.covered(12)], [true, true, true]);
	assert.equal(media.around(7), null);
});

test("where there is no room, what is past makes some", async (t) => {
	const { media, give, buffer } = setup(t, { room: 3 });
	give(0, 1, 2, 3, 4, 5);
	await settle();
	assert.deepEqual(buffer().log, ["init", 0, 1, 2]);
	assert.deepEqual(media.lacks(40), []); // nothing is fetched that cannot be kept
	media.clockTime = 12;
	media.tidy();
	await settle();
	assert.deepEqual(buffer().log.slice(4), ["cut 0 to 10", 4, 5]);
});

test("what is long past goes by itself", async (t) => {
	const { media, give, buffer } = setup(t);
	give(0, 1, 2, 3, 4, 5);
	await settle();
	media.clockTime = 15;
	media.tidy();
	assert.equal(buffer().log.at(-1), 5);
	media.clockTime = 22;
	media.tidy();
	await settle();
	assert.equal(buffer().log.at(-1), "cut 0 to 10");
	assert.equal(media.covered(7), false);
	media.aim(3);
	assert.deepEqual(media.lacks(6), [0, 1]); // who goes back to it has it fetched anew
});

test("the end of a recording that is over is the end of the stream, until another place is played", async (t) => {
	let over = false;
	const { media, give, source } = setup(t, {}, () => over);
	media.aim(41);
	give(8, 9, 10);
	await settle();
	over = true;
	media.tidy();
	assert.equal(source().readyState, "open"); // one segment is to come
	give(11);
	await settle();
	over = false;
	media.tidy();
	assert.equal(source().readyState, "open"); // others may
	over = true;
	media.tidy();
	assert.deepEqual([source().readyState, source().duration], ["ended", 60]);
	media.aim(59);
	media.tidy(); // nothing is removed any more
	assert.equal(source().readyState, "ended");
	media.aim(0);
	give(0, 1);
	await settle();
	assert.equal(source().readyState, "open");
	assert.ok(source().duration > 1e6, "elements could not seek beyond the end");
	assert.deepEqual(media.around(3), [0, 5]);
});
