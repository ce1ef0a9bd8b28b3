import { total } from "../engine/spans.js";
import { el } from "./dom.js";
import { finding } from "./finding.js";
import { parts, say } from "./language.js";
import { enumerate, length, line, signer } from "./text.js";
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

/** How many problems are told one by one, and how many names. */
const mostProblems = 8, mostNames = 3;

/** @type {Record<string, import("./language.js").Key>} what is wrong with a segment, by its code */
const problems = { gone: "problem.gone", later: "problem.later" };

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
	if (r.state === "open") add("live", "dot", say("badge.live"), say("badge.live.text"));
	if (r.distrust) {
		add("bad", "alert", say("badge.distrust"), ...finding(r.distrust), " ", say("finding.distrust"));
	} else if (r.claimant) {
		const { words, by } = r.claimant;
		add("warn", "seal", say("badge.claimed"), ...parts(by === "folder" ? "badge.claimed.folder" : "badge.claimed.text", { words: el("code", {}, words) }));
	} else if (r.signers.length && r.imported) { // what the signature shows begins with the import
		add("plain", "seal", spread("badge.sealed", { names: names(r.signers.map(signer), 40) }),
			...spread("badge.sealed.text", { names: names(r.signers, 120) }));
	} else if (r.signers.length) {
		add("good", "seal", spread("badge.verified", { names: names(r.signers.map(signer), 40) }),
			...spread("badge.verified.text", { names: names(r.signers, 120) }));
	} else {
		add("bad", "alert", say("badge.unverified"), say("badge.unverified.text"));
	}
	if (r.sharedBy) add("warn", "claim", say("badge.shared"), ...parts("badge.shared.text", { key: el("code", {}, r.sharedBy) }));
	if (r.state === "closed") add("plain", "film", say("badge.closed"), say("badge.closed.text"));
	else if (r.state === "cut") add("warn", "alert", say("badge.cut"), say("badge.cut.text"));
}

/**
 * addHoles says that something of a second or more is missing.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addHoles(r, add) {
	if (r.wideHoles) add("warn", "hole", say("badge.incomplete"), say("badge.incomplete.text", { n: r.wideHoles }));
}

/**
 * addAccess says what this key opens.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addAccess(r, add) {
	// Of one in which nothing is, as before it was known who attends, there is nothing to open.
	const epochs = r.epochs.filter((e) => e.opens || e.last >= e.first && e.first >= 0);
	const opens = epochs.filter((e) => e.opens).length, all = epochs.length;
	if (opens === all && r.locked.length === 0) {
		add("good", "unlock", say("badge.opens"), say("badge.opens.text"));
	} else if (opens === 0) {
		add("bad", "lock", say("badge.locked"), say("badge.locked.text", { command: "sealtape share" }));
	} else {
		add("warn", "lock", say("badge.opensPart", { length: length(total(r.locked)) }), say("badge.opensPart.text", { some: opens, n: all }));
	}
}

/**
 * addSecrecy says against whom it is sealed, and what was not.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addSecrecy(r, add) {
	if (r.postQuantum) add("plain", "shield", say("badge.quantum"), say("badge.quantum.text"));
	else add("warn", "shield", say("badge.classic"), say("badge.classic.text"));
	const plain = r.people.filter((p) => p.tracks.some((t) => t.plain));
	if (plain.length) {
		add("warn", "unlock", say("badge.plain"), ...spread("badge.plain.text", { names: names(plain.map((p) => p.name || p.id), 60) }));
	}
}

/**
 * addTrouble says what failed, and what is wrong.
 * @param {import("../engine/recording.js").Recording} r
 * @param {Add} add
 */
function addTrouble(r, add) {
	if (r.failed.length) {
		add("bad", "alert", say("badge.failed", { length: length(total(r.failed)) }), say("badge.failed.text", { n: r.failed.length }));
	}
	if (r.unlisted) add("plain", "help", say("badge.unlisted"), say("badge.unlisted.text"));
	if (r.imported) {
		const files = r.imported.files.slice(0, mostProblems).map((f) => el("li", {}, el("bdi", {}, line(f, 120))));
		add("warn", "link", say("badge.imported"), ...parts("badge.imported.text", { by: el("bdi", {}, line(r.imported.by, 120) || say("someone")) }),
			el("ul", { class: "problems" }, files));
	}
	if (r.resealedFrom) {
		const id = el("bdi", {}, line(r.resealedFrom, 120));
		add("plain", "link", say("badge.resealed"), ...parts("badge.resealed.text", { id }));
	}
	// What is locked or failed has badges of its own.
	const others = r.problems.filter((p) => p.error !== "locked" && p.error !== "failed");
	if (others.length === 0) return;
	const rows = others.slice(0, mostProblems).map((p) => el("li", {}, say("badge.problem.segment", {
		segment: p.segment, text: say(problems[p.error] ?? "problem.later"),
	})));
	const more = others.length - mostProblems;
	add("warn", "alert", say("badge.problem", { n: others.length }), el("ul", { class: "problems" }, rows),
		more > 0 ? say("badge.problem.more", { n: more }) + " " : "", say("badge.problem.hint", { command: "sealtape verify" }));
}

/**
 * spread is a text in whose places there may be several nodes.
 * @param {import("./language.js").Key} key
 * @param {import("./language.js").Values<(Node|string)[]>} values
 */
function spread(key, values) {
	return parts(key, values).flat();
}

/**
 * names are nodes for a few names.
 * @param {string[]} list
 * @param {number} most characters each
 * @returns {(Node|string)[]}
 */
function names(list, most) {
	/** @type {(Node|string)[]} */
	const nodes = list.slice(0, mostNames).map((name) => nameNode(name, most));
	if (list.length > mostNames) nodes.push(say("nMore", { n: list.length - mostNames }));
	return enumerate(nodes);
}
