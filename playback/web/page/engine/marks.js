/**
 * What the events of a recording say about each person and track: when something began
 * and ended. people.js and tracks_of.js make persons and tracks of it. Pure.
 *
 * @typedef {"proved"|"matrix"|"operator"|"card"|"signed"|""} Proof how a name is known; "": it is not
 *
 * @typedef {object} PersonMarks
 * @property {[number, boolean][]} presence when they came (true) and left
 * @property {import("./spans.js").Span[]} speaking
 * @property {string} name as the room's server said
 * @property {string} verified the name that was proved or vouched for last; "": none
 * @property {Proof[]} stays for each stay, the best way in which the name was known
 * @property {[number, Proof][]} known from when on the name was known in which way
 * @property {boolean} here whether they are there after the last event
 *
 * @typedef {object} TrackMarks
 * @property {[number, boolean][]} life when it was published (true) and ended
 * @property {[number, boolean][]} muted when it was muted (true) and unmuted
 * @property {boolean} plain it came without end-to-end encryption
 */

/** @type {Proof[]} the ways in which a name may be known, the weakest first */
export const proofs = ["", "signed", "card", "operator", "matrix", "proved"];

/** @type {Record<string, Proof>} by what the recorder verified somebody, by the reason of the event */
const verifiedBy = { proof: "proved", matrix: "matrix" };

/** Marks are what happened to each person and track, by participant and UID. */
export class Marks {
	/** @type {Map<string, PersonMarks>} */
	people = new Map();
	/** @type {Map<string, TrackMarks>} */
	tracks = new Map();
	/** @type {Set<string>} */
	readers = new Set();

	/** @param {import("./description.js").Event[]} events */
	constructor(events) {
		for (const e of events) this.#take(e);
	}

	/** @param {import("./description.js").Event} e */
	#take(e) {
		if (e.participant) this.#person(e);
		switch (e.type) {
		case "join":
			this.#person(e).presence.push([e.t, true]);
			arrive(this.#person(e));
			break;
		case "leave":
			this.#person(e).presence.push([e.t, false]);
			depart(this.#person(e), e.t);
			break;
		case "name":
			if (e.name) this.#person(e).name = e.name;
			break;
		case "speaking":
			this.#person(e).speaking.push([e.from ?? e.t, e.to ?? e.t]);
			break;
		case "claimed":
			identify(this.#person(e), e.t, e.reason === "matrix" ? "signed" : "card");
			break;
		case "verified":
			this.#verified(e);
			break;
		case "track":
		case "track-end":
			if (!e.track) break;
			this.#track(e.track).life.push([e.t, e.type === "track"]);
			if (e.reason === "plaintext") this.#track(e.track).plain = true;
			break;
		case "mute":
		case "unmute":
			if (e.track) this.#track(e.track).muted.push([e.t, e.type === "mute"]);
			break;
		case "epoch":
			for (const name of (e.text || "").split(", ")) if (name) this.readers.add(name);
		}
	}

	/** @param {import("./description.js").Event} e */
	#verified(e) {
		const p = this.#person(e);
		p.verified = e.name || "";
		if (e.name) {
			identify(p, e.t, verifiedBy[e.reason || ""] || "operator");
			return;
		}
		// They are not verified any more: somebody else may have taken their place.
		depart(p, e.t);
		arrive(p);
	}

	/** @param {import("./description.js").Event} e */
	#person(e) {
		const id = e.participant || "";
		let p = this.people.get(id);
		if (!p) this.people.set(id, p = noMarks());
		p.name ||= e.type === "verified" || e.type === "claimed" ? "" : e.name || "";
		return p;
	}

	/** @param {string} uid */
	#track(uid) {
		let t = this.tracks.get(uid);
		if (!t) this.tracks.set(uid, t = { life: [], muted: [], plain: false });
		return t;
	}
}

/**
 * noMarks returns the marks of a person without events.
 * @returns {PersonMarks}
 */
export function noMarks() {
	return { presence: [], speaking: [], name: "", verified: "", stays: [], known: [], here: false };
}

/** @param {PersonMarks} p */
function arrive(p) {
	if (!p.here) p.stays.push("");
	p.here = true;
}

/**
 * @param {PersonMarks} p
 * @param {number} t
 */
function depart(p, t) {
	p.here = false;
	p.known.push([t, ""]);
}

/**
 * @param {PersonMarks} p
 * @param {number} t
 * @param {Proof} how
 */
function identify(p, t, how) {
	arrive(p);
	const now = p.stays.length - 1;
	if (proofs.indexOf(how) <= proofs.indexOf(p.stays[now])) return;
	p.stays[now] = how;
	p.known.push([t, how]);
}
