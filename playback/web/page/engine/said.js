/**
 * What was said, as somebody or something wrote it down. Names and texts are what
 * strangers chose.
 *
 * @typedef {object} Said
 * @property {number} from seconds
 * @property {number} to seconds
 * @property {string} id the speaker's identity, "" if it is not known
 * @property {string} who the speaker's name, as it was written down
 * @property {string} text
 * @property {boolean} interim no final version of it came
 * @property {boolean} plaintext it came without end-to-end encryption into a room with it
 *
 * @typedef {object} Words a transcript: attached to the recording, or written down live
 * @property {string} file "" if it was written down live
 * @property {string} by who attached it, or wrote it down; "" if that is not known
 * @property {Said[]} said by time
 */

/** How long words are shown at the least, in seconds. */
const shortest = 1.2;

/**
 * wordsOf returns the transcripts of a recording: those that are attached, the newest
 * first, then what was written down live.
 * @param {import("./description.js").Transcript[]} attached
 * @param {import("./description.js").Event[]} events
 * @param {import("./people.js").Person[]} people
 * @returns {Words[]}
 */
export function wordsOf(attached, events, people) {
	/** @type {Map<string, string>} also names that they had before, if nobody else has them */
	const byName = new Map();
	for (const e of events) if ((e.type === "join" || e.type === "name") && e.name && e.participant) byName.set(e.name, e.participant);
	for (const p of people) byName.set(p.twin ? `${p.name} (${p.id})` : p.name, p.id);
	/** @type {Words[]} */
	const all = attached.map(({ file, by, cues }) => ({
		file, by, said: cues.map(([from, to, who, text]) => ({ from, to, who, id: byName.get(who) ?? "", text, interim: false, plaintext: false })),
	}));
	const live = events.filter((e) => e.type === "transcription").map((e) => {
		const how = (e.reason ?? "").split(" ");
		return {
			from: e.from ?? e.t, to: e.to ?? e.t, id: e.participant ?? "", who: e.name ?? "", text: e.text ?? "",
			interim: how.includes("interim"), plaintext: how.includes("plaintext"),
		};
	}).sort((a, b) => a.from - b.from);
	if (live.length) all.push({ file: "", by: events.find((e) => e.type === "transcription" && e.by)?.by ?? "", said: live });
	return all;
}

/**
 * saidAt returns what is said at t, at most two at once, the later ones.
 * @param {Said[]} said
 * @param {number} t
 */
export function saidAt(said, t) {
	let lo = 0, hi = said.length;
	while (lo < hi) {
		const mid = (lo + hi) >> 1;
		if (said[mid].from <= t) lo = mid + 1;
		else hi = mid;
	}
	return said.slice(Math.max(0, lo - 2), lo).filter(({ from, to }) => t < Math.max(to, from + shortest));
}
