import { total } from "../engine/spans.js";
import { el } from "./dom.js";
import { count, length, line, signer } from "./text.js";
import { nameNode } from "./words.js";

/**
 * @typedef {object} Badge what is known of the recording as a whole, with its explanation
 * @property {"live"|"good"|"bad"|"warn"|"plain"} kind
 * @property {string} icon
 * @property {(Node|string)[]} words
 * @property {(Node|string)[]} text
 *
 * @typedef {(kind: Badge["kind"], icon: string, words: string|(Node|string)[], ...text: (Node|string)[]) => void} Add
 */

/** @type {Badge["kind"][]} the worst first: where there is little room, that is the one to be seen */
const order = ["bad", "warn", "live", "good", "plain"];

/** How many problems are told one by one. */
const mostProblems = 8;

/**
 * badges lists what to show of a recording, the worst first.
 * @param {import("../engine/recording.js").Recording} r
 */
export function badges(r) {
	/** @type {Badge[]} */
	const out = [];
	/** @type {Add} */
	const add = (kind, icon, words, ...text) => out.push({ kind, icon, words: [words].flat(), text });
	addState(r, add);
	addHoles(r, add);
	addAccess(r, add);
	addSecrecy(r, add);
	addTrouble(r, add);
	return out.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/**
 * addState says whether it goes on, who signed it, and how it ended.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addState(r, add) {
	if (r.state === "open") add("live", "dot", "Live", "The recording goes on, and this page follows it.");
	if (r.distrust) {
		add("bad", "alert", "Not trusted", el("bdi", {}, line(r.distrust, 300)),
			". Whoever has that key could have made this recording: ask who recorded.");
	} else if (r.signers.length) {
		add("good", "seal", ["Verified: ", ...names(r.signers.map(signer), 40)],
			"The recording’s log is signed by ", ...names(r.signers, 120), ", whose card you have pinned. All that plays here was checked " +
			"against that signature: nothing was changed, left out or put in after it was recorded.");
	} else {
		add("bad", "alert", "Not verified", "No signature of anyone you have pinned stands under this recording.");
	}
	if (r.state === "closed") {
		add("plain", "film", "Closed", "The recorder ended this recording in good order and signed that this is its end: " +
			"nothing after it was cut off.");
	} else if (r.state === "cut") {
		add("warn", "alert", "Cut off", "The recorder was interrupted before it could end this recording. What is here is verified; " +
			"what came after it, if anything, is not here.");
	}
}

/**
 * addHoles says that something of a second or more is missing.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addHoles(r, add) {
	if (!r.wideHoles) return;
	add("warn", "hole", "Incomplete", `${count(r.wideHoles, "hole")} of a second or more: something that was sent is not here. ` +
		"The recorder declared where, and why: see the timeline.");
}

/**
 * addAccess says what this key opens.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addAccess(r, add) {
	const opens = r.epochs.filter((e) => e.opens).length, all = r.epochs.length;
	if (opens === all && r.locked.length === 0) {
		add("good", "unlock", "Opens all of it", "Your key opens the whole recording.");
	} else if (opens === 0) {
		add("bad", "lock", "Locked", "None of your keys opens any of this recording. One of its readers can grant you access: sealtape share.");
	} else {
		add("warn", "lock", `Opens a part, ${length(total(r.locked))} locked`,
			`Your key opens ${opens} of ${count(all, "span")} that have readers of their own. The others are shown as locked.`);
	}
}

/**
 * addSecrecy says against whom it is sealed, and what was not.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addSecrecy(r, add) {
	if (r.postQuantum) {
		add("plain", "shield", "Post-quantum",
			"It is sealed with hybrid keys (ML-KEM-768 and X25519), also against computers that do not exist yet.");
	} else {
		add("warn", "shield", "Not post-quantum",
			"At least one reader has a classic key. Whoever keeps a copy may open it some day with a quantum computer.");
	}
	const plain = r.people.filter((p) => p.tracks.some((t) => t.plain));
	if (plain.length) {
		add("warn", "unlock", "Partly unencrypted", "What ", ...names(plain.map((p) => p.name || p.id), 60),
			" sent came into the encrypted meeting without end-to-end encryption: by telephone, or from a machine that cannot have its keys. " +
			"Whoever ran the servers could hear and see it, or put it there.");
	}
}

/**
 * addTrouble says what failed, and what is wrong.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addTrouble(r, add) {
	if (r.failed.length) {
		add("bad", "alert", `${length(total(r.failed))} failed`, `${count(r.failed.length, "part")} of this recording failed verification: ` +
			"missing, changed or not from here. They are shown in the timeline and never played.");
	}
	if (r.resealedFrom) {
		add("plain", "link", "Resealed", "A copy of another recording, sealed anew for other readers by who signed this one: ",
			el("bdi", {}, line(r.resealedFrom, 120)));
	}
	// What is locked or failed has badges of its own.
	const problems = r.problems.filter((p) => p.error !== "locked" && p.error !== "failed");
	if (problems.length === 0) return;
	const rows = problems.slice(0, mostProblems).map((p) => el("li", {}, el("bdi", {}, line(`Segment ${p.segment}: ${p.text}`, 300))));
	add("warn", "alert", problems.length === 1 ? "A problem" : `${problems.length} problems`, el("ul", { class: "problems" }, rows),
		problems.length > mostProblems ? `and ${problems.length - mostProblems} more. ` : "", "sealtape verify tells all.");
}

/**
 * names are nodes for up to three names.
 * @param {string[]} list
 * @param {number} most characters each
 * @returns {(Node|string)[]}
 */
function names(list, most) {
	const out = list.slice(0, 3).flatMap((name, i) => [i ? ", " : "", nameNode(name, most)]);
	return list.length > 3 ? [...out, ` and ${list.length - 3} more`] : out;
}
