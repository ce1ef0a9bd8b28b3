import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../page/engine/recording.js";
import { turnFrom, turnsOf } from "../page/engine/turns.js";
import { entriesOf, folded } from "../page/view/feed_entries.js";
import { plain } from "../page/view/sentence.js";
import { called } from "../page/view/text.js";

const recording = (events) => new Recording({ version: "1", id: "1", state: "closed", duration: 100, events });
const join = (t, participant, name) => ({ t, type: "join", participant, name });

test("two people of one name have their identities behind it", () => {
	const r = recording([join(1, "ada-1", "Ada"), join(2, "ada-2", "Ada"), join(3, "ben", "Ben"), { t: 4, type: "leave", participant: "ada-2" }]);
	assert.deepEqual(r.people.map((p) => called(p, 60)), ["Ada (ada-1)", "Ada (ada-2)", "Ben"]);
	assert.deepEqual(entriesOf(r).map((e) => plain(e.parts)), ["Ada (ada-1) joined", "Ada (ada-2) joined", "Ben joined", "Ada (ada-2) left"]);
	// One who has another's identity for a name.
	assert.ok(recording([join(1, "ada", ""), join(2, "x", "ada")]).people.every((p) => p.twin));
});

test("those who come or go one after another are one row", () => {
	const r = recording([
		join(1, "a", "Ada"), join(2, "b", "Ben"), join(3, "c", "Cy"), join(4, "d", "Di"), { t: 5, type: "chat", participant: "a", text: "hi" },
		join(6, "e", "Eve"), join(7, "f", "Fay"), { t: 8, type: "leave", participant: "a" }, { t: 9, type: "leave", participant: "b" },
		{ t: 10, type: "leave", participant: "c" },
	]);
	const entries = entriesOf(r), rows = (unfolded) => folded(entries, new Set(unfolded)).map((e) => plain(e.parts));
	assert.deepEqual(rows([]), ["Ada, Ben, and 2 more joined", "hi", "Eve joined", "Fay joined", "Ada, Ben, and 1 more left"]);
	assert.deepEqual(rows([entries[0]]).length, 8);
	assert.equal(folded(entries, new Set())[0].t, 1);
	assert.deepEqual(folded(entries, new Set())[0].folded, entries.slice(0, 4));
	assert.deepEqual(folded([], new Set()), []);
});

test("turns are where somebody begins to speak", () => {
	const spoke = (participant, from, to) => ({ t: to, type: "speaking", participant, from, to });
	const r = recording([
		join(0, "a", "Ada"), join(0, "b", "Ben"), spoke("a", 10, 20), spoke("a", 21, 30), spoke("b", 25, 26), spoke("b", 40, 40.2), spoke("a", 50, 60),
	]);
	const turns = turnsOf(r.people);
	assert.deepEqual(turns.map(({ t, person }) => [t, person.id]), [[10, "a"], [25, "b"], [50, "a"]]);
	for (const [t, by, want] of [[0, 1, 10], [10, 1, 25], [55, 1, undefined], [50.5, -1, 25], [52, -1, 50], [10, -1, undefined], [100, -1, 50], [5, -1, undefined], [25.5, -1, 10], [27, -1, 25]]) {
		assert.equal(turnFrom(turns, t, by)?.t, want, `${t} ${by}`);
	}
	assert.deepEqual(turnsOf(r.people.filter((p) => p.id === "b")).map((x) => x.t), [25]);
});
