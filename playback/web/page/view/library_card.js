import { el } from "./dom.js";
import { icon } from "./icons.js";
import { bytes, date, hue, length, line, signer, time } from "./text.js";
import { avatar, nameNode } from "./words.js";

/**
 * @typedef {import("../engine/description.js").Entry & { begun: number }} Entry
 *     begun is when, in milliseconds; 0 if not known
 *
 * @typedef {[kind: string, icon: string, words: string]} Badge
 */

/** How many faces, names and signers are on a card. */
const mostFaces = 5, mostNames = 4, mostSigners = 3;

/** @type {Record<string, Badge>} */
const states = { open: ["live", "dot", "Live"], closed: ["plain", "film", "Closed"], cut: ["warn", "alert", "Cut off"] };

/** @type {Record<string, { badge: Badge, title: string }>} */
const accesses = {
	all: { badge: ["good", "unlock", "Opens"], title: "Your key opens all of it" },
	part: { badge: ["warn", "lock", "Opens a part"], title: "Your key opens a part of it" },
	none: { badge: ["bad", "lock", "Locked"], title: "None of your keys opens it" },
};

/**
 * titleOf is what a recording is called.
 * @param {Entry} r
 */
export function titleOf(r) {
	return line(r.title || r.room, 120) || (r.access === "none" ? "Locked recording" : "Recording without a name");
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
			people.length ? el("p", { class: "people" }, icon("person"), el("span", {}, names(people, mostNames, true))) : null,
			signers(r.signers ?? []),
			el("p", { class: "badges" }, badges(r)),
			r.problem ? el("p", { class: "problem" }, el("bdi", {}, line(r.problem, 240))) : null));
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
		r.state === "open" ? el("span", { class: "livemark" }, "Live") : null,
		r.duration ? el("span", { class: "duration" }, time(r.duration)) : null);
}

/**
 * @param {string[]} list
 * @param {number} most
 * @param {boolean} [rest] whether to say how many more there are
 */
function names(list, most, rest = false) {
	/** @type {(Node|string)[]} */
	const nodes = list.slice(0, most).flatMap((name, i) => [i ? ", " : "", nameNode(name, 40)]);
	if (rest && list.length > most) nodes.push(` and ${list.length - most} more`);
	return nodes;
}

/** @param {string[]} list */
function signers(list) {
	if (list.length === 0) return null;
	return el("p", { class: "people signer", title: line(list.join(", "), 400) }, icon("seal"),
		el("span", {}, "Verified: ", names(list.map(signer), mostSigners)));
}

/** @param {Entry} r */
function badges(r) {
	const { badge: access, title } = accesses[r.access] ?? accesses.none;
	const out = [badge(access, title)];
	if (r.state !== "closed") out.push(badge(states[r.state] ?? ["warn", "alert", "Unknown state"]));
	if (r.problem) out.push(badge(["bad", "alert", "Problem"]));
	else if (r.incomplete && r.state === "closed") {
		out.push(badge(["warn", "hole", "Incomplete"], "Something that was sent is missing, with its reason"));
	}
	return out;
}

/**
 * @param {Badge} badge
 * @param {string} [title]
 */
function badge([kind, name, words], title = "") {
	return el("span", { class: "badge", "data-kind": kind, title }, icon(name), el("span", {}, words));
}
