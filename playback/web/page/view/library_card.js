import { el } from "./dom.js";
import { finding } from "./finding.js";
import { icon } from "./icons.js";
import { parts, say } from "./language.js";
import { bytes, date, enumerate, hue, length, line, signer, time } from "./text.js";
import { avatar, nameNode } from "./words.js";

/** @typedef {import("./language.js").Key} Key */

/**
 * @typedef {import("../engine/description.js").Entry & { begun: number }} Entry
 *     begun is when, in milliseconds; 0 if not known
 *
 * @typedef {[kind: string, icon: string, words: Key]} Badge
 */

/** How many faces, names and signers are on a card. */
const mostFaces = 5, mostNames = 4, mostSigners = 3;

/** @type {Record<string, Badge>} of a recording that is not closed */
const states = { open: ["live", "dot", "card.live"], cut: ["warn", "alert", "card.cut"] };

/** @type {Record<string, { badge: Badge, title: Key }>} */
const accesses = {
	all: { badge: ["good", "unlock", "card.opens"], title: "card.opens.hint" },
	part: { badge: ["warn", "lock", "card.opensPart"], title: "card.opensPart.hint" },
	none: { badge: ["bad", "lock", "card.locked.badge"], title: "card.locked.hint" },
};

/**
 * titleOf is what a recording is called.
 * @param {Entry} r
 */
export function titleOf(r) {
	return line(r.title || r.room, 120) || say(r.access === "none" ? "card.locked" : "card.unnamed");
}

/**
 * card is a recording in the list.
 * @param {Entry} r
 */
export function card(r) {
	const people = r.people ?? [], title = titleOf(r);
	const facts = [date(r.start), r.duration ? length(r.duration) : "", r.bytes ? bytes(r.bytes) : ""].filter(Boolean).join(" · ");
	/** @param {import("./dom.js").Child[]} children */
	const quiet = (...children) => el("p", { class: "quiet" }, children);
	return el("li", { class: "card", "data-access": r.access },
		el("a", { href: `watch/${encodeURIComponent(r.id)}` }, poster(r, people),
			el("div", { class: "words" }, el("h3", {}, el("bdi", {}, title)))),
		el("div", { class: "rest" },
			r.title && r.room ? quiet(el("bdi", {}, line(r.room, 80))) : null,
			title !== line(r.title || r.room, 120) ? quiet(line(r.id, 30)) : null,
			quiet(facts),
			r.part ? quiet(place(r)) : null,
			r.of ? quiet(say("card.breakout")) : null,
			people.length ? el("p", { class: "people" }, icon("person"), el("span", {}, names(people, mostNames))) : null,
			signers(r.signers ?? [], !!r.imported),
			el("p", { class: "badges" }, badges(r)),
			r.problem ? el("p", { class: "problem" }, finding(r.problem)) : null));
}

/**
 * place says which part of its meeting a recording is.
 * @param {Entry} r
 */
function place(r) {
	const of = { n: r.part ?? 0, of: r.parts?.length ?? 0 };
	if (r.gap === undefined) return say("card.part", of);
	return say(r.gap < 0 ? "card.part.overlaps" : "card.part.after", { ...of, length: length(Math.abs(r.gap)) });
}

/**
 * @param {Entry} r
 * @param {string[]} people
 */
function poster(r, people) {
	const more = people.length - mostFaces;
	const faces = el("div", { class: "faces" }, people.slice(0, mostFaces).map((p) => avatar(p, p)),
		more > 0 ? el("span", { class: "avatar rest" }, `+${more}`) : null, people.length ? null : icon("film"));
	return el("div", { class: "poster", "data-hue": hue(r.room || r.id), "aria-hidden": "true" },
		r.access === "none" ? icon("lock") : faces,
		r.state === "open" ? el("span", { class: "livemark" }, say("card.live")) : null,
		r.duration ? el("span", { class: "duration" }, time(r.duration)) : null);
}

/**
 * @param {string[]} list
 * @param {number} most
 */
function names(list, most) {
	/** @type {(Node|string)[]} */
	const nodes = list.slice(0, most).map((name) => nameNode(name, 40));
	if (list.length > most) nodes.push(say("nMore", { n: list.length - most }));
	return enumerate(nodes);
}

/**
 * @param {string[]} list
 * @param {boolean} imported: what they signed begins with the import
 */
function signers(list, imported) {
	if (list.length === 0) return null;
	return el("p", { class: "people signer", title: line(list.join(", "), 400) }, icon("seal"),
		el("span", {}, parts(imported ? "badge.sealed" : "badge.verified", { names: names(list.map(signer), mostSigners) }).flat()));
}

/** @param {Entry} r */
function badges(r) {
	const { badge: access, title } = accesses[r.access] ?? accesses.none;
	const out = [badge(access, title)];
	if (r.imported) out.push(badge(["warn", "link", "badge.imported"]));
	if (r.state !== "closed") out.push(badge(states[r.state] ?? ["warn", "alert", "card.unknown"]));
	if (r.problem) out.push(badge(["bad", "alert", "card.problem"]));
	else if (r.incomplete && r.state === "closed") {
		out.push(badge(["warn", "hole", "card.incomplete"], "card.incomplete.hint"));
	}
	return out;
}

/**
 * @param {Badge} badge
 * @param {Key} [title]
 */
function badge([kind, name, words], title) {
	return el("span", { class: "badge", "data-kind": kind, title: title && say(title) }, icon(name), el("span", {}, say(words)));
}
