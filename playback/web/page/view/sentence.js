import { bytes, count, length, line, tame } from "./text.js";
import { absence, source, wanted } from "./terms.js";

/**
 * @typedef {string|{ who: string }|{ quote: string }} SentencePart a person's name and
 *     what someone wrote are apart from the page's own words, so that they cannot pass
 *     for these
 *
 * @typedef {object} Sentence
 * @property {"chat"|"event"|"detail"|"trouble"} kind
 * @property {SentencePart[]} parts
 *
 * @typedef {object} Names what identities and UIDs stand for
 * @property {(identity: string|undefined) => string|undefined} [name]
 * @property {(uid: string) => { who: string, source: string }|null} [track]
 */

/** What is said of a message that is not all there. */
export const cutShort = "the rest is not here: it was too long, or its end never came";

/** @type {Record<string, string>} */
const consents = { given: "agreed to be recorded", refused: "refused to be recorded", withdrawn: "withdrew consent" };

/**
 * sentence says what an event is; null for what no list should show.
 * @param {import("../engine/description.js").Event} e
 * @param {Names} [names]
 * @returns {Sentence|null}
 */
export function sentence(e, { name = (id) => id, track = () => null } = {}) {
	const t = e.track ? track(e.track) : null;
	const who = { who: line(name(e.participant) || e.name || t?.who || e.participant || "someone", 80) };
	const what = t ? source(t.source) : "track";
	const quote = { quote: tame(e.text) };
	const lasts = e.from !== undefined && e.to !== undefined && e.to > e.from ? e.to - e.from : 0;
	const lasted = lasts > 0 ? length(lasts) : "";
	const reason = e.reason ? ": " + line(e.reason, 120) : "";
	/** @type {(kind: Sentence["kind"], ...parts: SentencePart[]) => Sentence} */
	const s = (kind, ...parts) => ({ kind, parts });
	switch (e.type) {
	case "start": return s("event", "Recording started", ...(e.text ? [" in ", { quote: line(e.text, 120) }] : []));
	case "stop": return s("event", `Recording ended${reason}`);
	case "announced": return s("event", "The recorder told the room: ", quote);
	case "join": return s("event", who, " joined");
	case "leave": return s("event", who, " left");
	case "verified": {
		if (!e.name) return s("event", who, " is not taken for anybody any more");
		const named = { who: line(e.name, 80) };
		return e.reason === "proof" ?
			s("event", who, " proved to be ", named) :
			s("event", who, " is ", named, ", says the operator");
	}
	case "claimed":
		return s("event", who, " showed a card that nobody had pinned, with the name ", { who: line(e.name || "none", 80) });
	case "name":
		return s("event", { who: line(e.text, 80) || "someone" }, " is now called ", { who: line(e.name, 80) || "nothing" });
	case "hand": return s("event", who, e.reason === "lowered" ? " lowered their hand" : " raised their hand");
	case "metadata": return s("detail", "The room’s own data changed: ", quote);
	case "screen": return s("event", who, " shares a screen");
	case "screen-end": return s("event", who, " stopped sharing");
	case "chat": return s("chat", quote, ...(e.reason === "cut" ? [` (${cutShort})`] : []));
	case "stream":
		return s("event", who, e.text ? " sent the file " : " sent a text", ...(e.text ? [{ quote: line(e.text, 120) }] : []),
			` of ${bytes(e.size || 0)}`, ...(e.reason ? [" on the topic ", { quote: line(e.reason, 60) }] : []), ", which is not kept");
	case "reaction": return s("chat", who, " reacted: ", { quote: line(e.text, 40) });
	case "consent":
		return s("event", who, ` ${consents[e.reason ?? ""] ?? "spoke about consent"}`, ...(e.text ? [": ", quote] : []));
	case "epoch": return s("event", "From here on it can be opened by ", { quote: tame(e.text) || "nobody" });
	case "lost": return s("trouble", "The recorder lost the meeting");
	case "reconnect": return s("trouble", `The recorder came back${lasted ? " after " + lasted : ""}`);
	case "pause": return s("event", `Recording paused${reason}`);
	case "resume": return s("event", "Recording goes on");
	case "hole":
		if (e.reason === "asleep" && !e.track) {
			return s("trouble", `Nothing was recorded for ${lasted || "a moment"}: the recorder’s machine was suspended`);
		}
		if (wanted(e.reason)) {
			return s("detail", "Nothing was kept of ", who, `’s ${what} for ${lasted || "a moment"}: ${absence(e.reason).label}`);
		}
		return s(lasts >= 1 ? "trouble" : "detail", who, `’s ${what} misses ${lasted || "a moment"}: ${absence(e.reason).label}`);
	case "integrity":
		return t ?
			s("trouble", "Something false arrived as ", who, `’s ${what}: ${line(e.reason, 120)}. It was not recorded`) :
			s("trouble", "Something false arrived as ", who, `’s word of who they are: ${line(e.reason, 120)}`);
	case "clock":
		return s("detail", who, `’s ${what} sent wrong times, off by ${line(e.text, 20)}. It was put by when it came`);
	case "dropped":
		return s("trouble", `Missing: ${count(e.count || 0, "event")} of the kind “${line(e.reason, 40)}”`,
			...(e.participant ? [" of ", who] : []), ", too many came at once");
	case "resealed": return s("event", "Copied from another recording for other readers");
	case "track":
		return e.reason === "plaintext" ?
			s("event", who, `’s ${what} came on, without end-to-end encryption`) :
			s("detail", who, ` turned on the ${what}`);
	case "track-end": return s("detail", who, ` turned off the ${what}`);
	case "mute": return s("detail", who, ` muted the ${what}`);
	case "unmute": return s("detail", who, ` unmuted the ${what}`);
	case "size": return s("detail", who, `’s ${what} is now ${line(e.text, 20)}`);
	case "published": {
		const less = e.reason === "max-video" ? "; less was asked for" : "";
		return s("detail", who, `’s ${what} is published as ${line(e.text, 20)}${less}`);
	}
	case "left-out": return s("detail", who, ` publishes what is not recorded: ${line(e.text, 20)}`);
	case "quality": return s("detail", who, `’s connection is ${line(e.reason, 20)}`);
	case "keys": return s("detail", who, `’s ${what} uses key ${line(e.text, 10)}`);
	default: return null; // speaking has lanes; what a later format adds is not known
	}
}

/**
 * plain is a sentence as one string.
 * @param {SentencePart[]} parts
 */
export function plain(parts) {
	return parts.map((p) => typeof p === "string" ? p : "who" in p ? p.who : p.quote).join("");
}
