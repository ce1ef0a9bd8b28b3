import { plain, sentence } from "./sentence.js";

/**
 * @typedef {object} Entry what was written or happened
 * @property {number} t
 * @property {import("../engine/description.js").Event} event
 * @property {import("./sentence.js").Sentence["kind"]} kind
 * @property {import("./sentence.js").SentencePart[]} parts
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
 * matches reports whether a filter lets an entry through.
 * @param {Entry} entry
 * @param {Filter} filter
 * @param {import("../engine/recording.js").Recording} recording
 */
export function matches({ kind, event, parts }, { kinds, words }, recording) {
	if (!kinds.has(kind)) return false;
	if (!words) return true;
	const who = kind === "chat" ? recording.person(event.participant)?.name || event.name || "" : "";
	return (who + " " + plain(parts)).toLocaleLowerCase().includes(words);
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
