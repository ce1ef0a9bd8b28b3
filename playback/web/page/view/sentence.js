import { parts, say } from "./language.js";
import { absence, source, wanted } from "./terms.js";
import { bytes, length, line, tame } from "./text.js";

/**
 * @typedef {string|{ who: string, id?: string }|{ quote: string }} SentencePart a person's name and
 *     what someone wrote are apart from the page's own words, so that they cannot pass
 *     for these
 *
 * @typedef {object} Sentence
 * @property {"chat"|"said"|"event"|"detail"|"trouble"} kind
 * @property {SentencePart[]} parts
 *
 * @typedef {object} Names what identities and UIDs stand for
 * @property {(identity: string|undefined) => string|undefined} [name]
 * @property {(identity: string|undefined) => boolean} [twin] whether somebody else has the same name
 * @property {(uid: string) => { who: string, source: string }|null} [track]
 */

/** @typedef {import("./language.js").Key} Key */

/** @type {Record<string, [alone: Key, inWords: Key]>} */
const consents = {
	given: ["event.given", "event.given.text"],
	refused: ["event.refused", "event.refused.text"],
	withdrawn: ["event.withdrawn", "event.withdrawn.text"],
};

/** @type {Record<string, Key>} why a recording ended, as the recorder says it */
const stops = {
	"everybody has left": "stop.left", "nobody came": "stop.nobody", "duration reached": "stop.duration", "the room has ended": "stop.ended",
};

/** @type {Record<string, Key>} */
const qualities = {
	excellent: "quality.excellent", good: "quality.good", poor: "quality.poor", lost: "quality.lost",
};

/** @type {Record<string, Key>} by what somebody was verified, unless it was the operator's word */
const verifiedBy = { proof: "event.proved", matrix: "event.matrix" };

/** @type {Record<string, Key>} why a recording was paused, as the recorder says it */
const pauses = { signal: "pause.signal", order: "pause.order" };

/** @type {Record<string, Key>} what is false, as the recorder says it: of frames, and of the member protocol */
const falsehoods = {
	"unknown server-injected frame": "integrity.injected",
	"malformed": "integrity.malformed", "signature": "integrity.signature", "other-room": "integrity.other-room", "other-key": "integrity.other-key",
	"plaintext": "integrity.plaintext", "other-identity": "integrity.other-identity", "clock": "integrity.clock", "card": "integrity.card",
	"other-card": "integrity.other-card", "impostor": "integrity.impostor", "stale": "integrity.stale", "swapped": "integrity.swapped",
	"silent": "integrity.silent", "hidden": "integrity.hidden", "flood": "integrity.flood", "version": "integrity.version",
};

/** @type {Record<string, Key>} types whose sentence is always the same */
const plainly = {
	"join": "event.join", "leave": "event.leave", "screen": "event.screen", "screen-end": "event.screen-end",
	"resume": "event.resume", "resealed": "event.resealed",
};

/**
 * sentence says what an event is; null for what no list should show.
 * @param {import("../engine/description.js").Event} e
 * @param {Names} [names]
 * @returns {Sentence|null}
 */
export function sentence(e, { name = (id) => id, track = () => null, twin = () => false } = {}) {
	const t = e.track ? track(e.track) : null;
	const id = twin(e.participant) ? line(e.participant, 40) : "";
	const who = { who: line(name(e.participant) || e.name || t?.who || e.participant, 80) || say("someone"), id };
	const { name: what, the } = source(t?.source);
	const text = { quote: tame(e.text) }, reason = line(e.reason, 120);
	const lasts = e.from !== undefined && e.to !== undefined && e.to > e.from ? e.to - e.from : 0;
	const lasted = lasts > 0 ? length(lasts) : say("event.moment");
	/** @type {(kind: Sentence["kind"], key: Key, values?: import("./language.js").Values<SentencePart>) => Sentence} */
	const s = (kind, key, values = {}) => ({ kind, parts: parts(key, { who, what, text, ...values }) });
	if (e.type in plainly) return s("event", plainly[e.type]);
	switch (e.type) {
	case "start": return e.text ? s("event", "event.start.room", { room: { quote: line(e.text, 120) } }) : s("event", "event.start");
	case "stop": return reason ? s("event", "event.stop.reason", { reason: worded(stops, reason) }) : s("event", "event.stop");
	case "imported": return s("event", "event.imported", { name: { who: line(e.name, 120) || say("someone") } });
	case "source": return s("event", "event.source", { text: { quote: line(e.text?.split("\n")[0], 120) } });
	case "announced": return s("event", "event.announced");
	case "follows": return s("event", e.reason ? "event.follows.told" : "event.follows", { text: { quote: line(e.text, 40) } });
	case "part-of": return s("event", "event.partOf", { text: { quote: line(e.text, 40) } });
	case "verified":
		if (!e.name) return s("event", "event.unknown");
		return s("event", verifiedBy[e.reason || ""] || "event.operator", { name: { who: line(e.name, 80) } });
	case "claimed":
		return s("event", e.reason === "matrix" ? "event.signed" : "event.claimed", { name: e.name ? { who: line(e.name, 80) } : say("event.noName") });
	case "name":
		return s("event", "event.name", {
			who: { who: line(e.text, 80) || say("someone") }, name: { who: line(e.name, 80) || say("event.nameless") },
		});
	case "hand": return s("event", e.reason === "lowered" ? "event.lowered" : "event.raised");
	case "metadata": return s("detail", "event.metadata");
	case "chat": return { kind: "chat", parts: e.reason === "cut" ? [text, ` (${say("feed.cut")})`] : [text] };
	case "stream": {
		const values = { file: { quote: line(e.text, 120) }, size: bytes(e.size || 0), topic: { quote: line(e.reason, 60) } };
		if (e.text) return s("event", e.reason ? "event.file.topic" : "event.file", values);
		return s("event", e.reason ? "event.text.topic" : "event.text", values);
	}
	case "reaction": return s("chat", "event.reaction", { text: { quote: line(e.text, 40) } });
	case "consent": {
		const [alone, inWords] = consents[e.reason ?? ""] ?? /** @type {const} */ (["event.consent", "event.consent.text"]);
		return s("event", e.text ? inWords : alone);
	}
	case "epoch": return e.text ? s("event", "event.epoch", { names: text }) : s("event", "event.epoch.nobody");
	case "server": return s("detail", "event.server", { name: { quote: line(e.name, 80) }, time: line(e.text, 20) });
	case "lost": return s("trouble", "event.lost");
	case "reconnect": return lasts > 0 ? s("trouble", "event.reconnect.after", { length: lasted }) : s("trouble", "event.reconnect");
	case "pause": return reason ? s("event", "event.pause.reason", { reason: worded(pauses, reason) }) : s("event", "event.pause");
	case "hole": {
		const values = { length: lasted, reason: absence(e.reason).label };
		if (e.reason === "asleep" && !e.track) return s("trouble", "event.asleep", values);
		if (wanted(e.reason)) return s("detail", "event.unrecorded", values);
		return s(lasts >= 1 ? "trouble" : "detail", "event.hole", values);
	}
	case "integrity": return s("trouble", t ? "event.integrity" : "event.integrity.member", { reason: worded(falsehoods, reason.replace(/^member: /, "")) });
	case "clock": return s("detail", "event.clock", { text: line(e.text, 20) });
	case "dropped":
		return s("trouble", e.participant ? "event.dropped.of" : "event.dropped", { n: e.count || 0, kind: line(e.reason, 40) });
	case "track":
		return e.reason === "plaintext" ? s("event", "event.track.plain") : s("detail", "event.track", { what: the });
	case "track-end": return s("detail", "event.track-end", { what: the });
	case "mute": return s("detail", "event.mute", { what: the });
	case "unmute": return s("detail", "event.unmute", { what: the });
	case "size": return s("detail", "event.size", { size: line(e.text, 20) });
	case "published":
		return s("detail", e.reason === "max-video" ? "event.published.less" : "event.published", { size: line(e.text, 20) });
	case "left-out": return s("detail", "event.left-out", { what: source(e.text).name });
	case "quality": return s("detail", "event.quality", { quality: worded(qualities, reason) });
	case "keys": return s("detail", "event.keys", { key: line(e.text, 10) });
	default: return null; // speaking has lanes, a title the heading; what a later format adds is not known
	}
}

/**
 * worded is a reason in the page's words, or as it is if it is none that the recorder gives.
 * @param {Record<string, Key>} known
 * @param {string} reason
 */
function worded(known, reason) {
	return Object.hasOwn(known, reason) ? say(known[reason]) : reason;
}

/**
 * plain is a sentence as one string.
 * @param {SentencePart[]} parts
 */
export function plain(parts) {
	return parts.map((p) => typeof p === "string" ? p : "who" in p ? p.id ? `${p.who} (${p.id})` : p.who : p.quote).join("");
}
