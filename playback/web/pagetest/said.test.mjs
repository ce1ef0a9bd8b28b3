import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../page/engine/recording.js";
import { saidAt } from "../page/engine/said.js";

test("attached transcripts come before what was written down live", () => {
	const events = [
		{ t: 0, type: "join", participant: "a", name: "Ada" },
		{ t: 5, type: "transcription", participant: "a", by: "scribe", from: 5, to: 6, text: "two", reason: "interim plaintext" },
		{ t: 1, type: "transcription", participant: "a", by: "scribe", from: 1, to: 2, text: "one" },
	];
	const r = new Recording({
		version: "1", id: "1", state: "closed", duration: 100, events, words: [{ file: "x.vtt", by: "Ben", time: "", cues: [[1, 2, "Ada", "hi"], [3, 4, "Zoe", "ho"]] }],
	});
	assert.deepEqual(r.words.map(({ file, by, said }) => [file, by, said.map(({ id, who, text }) => [id, who, text])]), [
		["x.vtt", "Ben", [["a", "Ada", "hi"], ["", "Zoe", "ho"]]], ["", "scribe", [["a", "", "one"], ["a", "", "two"]]],
	]);
	assert.deepEqual(r.words[1].said.map(({ interim, plaintext }) => [interim, plaintext]), [[false, false], [true, true]]);
	// What is new of it says nothing of transcripts.
	r.update({ version: "2", id: "1", state: "closed", duration: 100, events: [], events_total: 3 });
	assert.equal(r.words.length, 2);
});

test("at most two are shown at once, for a while at least", () => {
	const said = [[0, 10], [1, 10], [2, 10], [20, 20], [30, 31]].map(([from, to]) => ({ from, to, id: "", who: "", text: String(from), interim: false, plaintext: false }));
	const at = (t) => saidAt(said, t).map(({ text }) => text);
	assert.deepEqual([0, 1, 5, 10, 20.5, 21.3, 30, 40].map(at), [["0"], ["0", "1"], ["1", "2"], [], ["20"], [], ["30"], []]);
	assert.deepEqual(saidAt([], 1), []);
});
