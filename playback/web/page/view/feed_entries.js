import { parts, say } from "./language.js";
import { plain, sentence } from "./sentence.js";
import { enumerate, tame } from "./text.js";

/**
 * @typedef {object} Entry what was written or happened
 * @property {number} t
 * @property {import("../engine/description.js").Event} event
 * @property {import("./sentence.js").Sentence["kind"]} kind
 * @property {import("./sentence.js").SentencePart[]} parts
 * @property {Entry[]} [folded] the entries that it stands for
 *
 * @typedef {{ kinds: Set<string>, words: string }} Filter words are in lower case, "" for any
 */

/**
 * entriesOf returns a recording's entries, by time.
 * @param {import("../engine/recording.js").Recording} recording
 */
export function entriesOf(recording) {
	/** @type {import("./sentence.js").Names} */
	const names = {
		name: (id) => recording.person(id)?.name,
		twin: (id) => recording.person(id)?.twin ?? false,
		track: (uid) => {
			const k = recording.track(String(uid));
			return k ? { who: k.name, source: k.source } : null;
		},
	};
	/** @type {Entry[]} */
	const entries = [];
	for (const event of recording.events) {
		const s = sentence(event, names);
		const began = event.type === "hole" && event.from !== undefined && event.from > 0 ? event.from : event.t;
		if (s) entries.push({ t: began, event, ...s });
	}
	return entries.sort((a, b) => a.t - b.t);
}

/**
 * wordEntriesOf returns what was said and what was written, by time.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {import("../engine/said.js").Said[]} said
 */
export function wordEntriesOf(recording, said) {
	const entries = entriesOf(recording).filter(({ event }) => event.type === "chat");
	for (const { from, to, id, who, text, interim, plaintext } of said) {
		const event = { t: from, type: "transcription", participant: id, name: who, text, from, to, reason: [interim && "interim", plaintext && "plaintext"].filter(Boolean).join(" ") };
		entries.push({ t: from, event, kind: "said", parts: [{ quote: tame(text) }] });
	}
	return entries.sort((a, b) => a.t - b.t);
}

/** From how many on, people who come or go one after another are one entry. */
const foldFrom = 3;

/** How many of them have their names in it. */
const namesInFold = 2;

/**
 * folded makes one entry of those who come, or go, one after another.
 * @param {Entry[]} entries
 * @param {Set<Entry>} unfolded the first entries of runs that stay as they are
 */
export function folded(entries, unfolded) {
	/** @type {Entry[]} */
	const out = [];
	for (let i = 0, end; i < entries.length; i = end) {
		const first = entries[i], { type } = first.event;
		for (end = i + 1; (type === "join" || type === "leave") && entries[end]?.event.type === type;) end++;
		const run = entries.slice(i, end);
		if (run.length < foldFrom || unfolded.has(first)) out.push(...run);
		else out.push(foldOf(run));
	}
	return out;
}

/** @param {Entry[]} run */
function foldOf(run) {
	const [first] = run;
	/** @param {Entry} entry */
	const who = (entry) => entry.parts.filter((p) => typeof p !== "string" && "who" in p);
	const rest = run.length - namesInFold;
	/** @type {import("./sentence.js").SentencePart[]} */
	const names = [...run.slice(0, namesInFold).flatMap(who), say("nMore", { n: rest })];
	/** @type {import("./language.js").Values<import("./sentence.js").SentencePart[]>} */
	const values = { names: enumerate(names) };
	return { ...first, parts: parts(first.event.type === "join" ? "fold.join" : "fold.leave", values).flat(), folded: run };
}

/**
 * matches reports whether a filter lets an entry through.
 * @param {Entry} entry
 * @param {Filter} filter
 * @param {import("../engine/recording.js").Recording} recording
 */
export function matches({ kind, event, parts: said }, { kinds, words }, recording) {
	if (!kinds.has(kind)) return false;
	if (!words) return true;
	const who = kind === "chat" || kind === "said" ? recording.person(event.participant)?.name || event.name || "" : "";
	return (who + " " + plain(said)).toLocaleLowerCase().includes(words);
}

/**
 * lastBy returns the index of the last entry at or before t, -1 for none.
 * @param {Entry[]} entries
 * @param {number} t
 */
export function lastBy(entries, t) {
	let lo = 0, hi = entries.length;
	while (lo < hi) {
		const mid = (lo + hi) >> 1;
		if (entries[mid].t <= t + 0.001) lo = mid + 1;
		else hi = mid;
	}
	return lo - 1;
}
