// Words for people: times, sizes, names, reasons and what happened. No DOM
// here, so that these can be tested without a browser.

// tame returns a hostile string as text that stays where it is put: control
// characters and the marks that turn the direction of what follows are gone, and
// so are accents piled up to cover what is above.
// What is left may still be HTML: it is only ever set as textContent.
export function tame(s) {
	return String(s ?? "").replace(/(\p{M}{6})\p{M}+/gu, "$1").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
}

// line is tame, on one line, of at most n characters.
export function line(s, n = 80) {
	return clip(tame(s).replace(/\s+/g, " ").trim(), n);
}

// signer is a signer's name without the fingerprint behind it in brackets.
export function signer(name) {
	return line(name, 120).replace(/ \([^()]*\)$/, "");
}

// clip cuts a string to n characters (not UTF-16 units), with an ellipsis.
export function clip(s, n) {
	if (s.length <= n) return s;
	const head = [...s.slice(0, 2 * n + 2)];
	return head.length <= n ? s : head.slice(0, n - 1).join("") + "…";
}

// initials are up to two letters for who has no picture.
export function initials(name) {
	const words = line(name, 200).split(/[\s._\-@]+/u).filter((w) => /[\p{L}\p{N}]/u.test(w));
	if (words.length === 0) return "?";
	const first = (w) => (w.match(/[\p{L}\p{N}]/u) || ["?"])[0];
	const last = words.length > 1 ? words[words.length - 1] : "";
	return (first(words[0]) + (/^\d+$/.test(last) ? last.slice(0, 2) : last && first(last))).toLocaleUpperCase();
}

// hue picks one of n colours for an identity, always the same one.
export function hue(id, n = 12) {
	let h = 2166136261;
	for (const c of String(id ?? "").slice(0, 64)) h = Math.imul(h ^ c.codePointAt(0), 16777619);
	return (h >>> 0) % n;
}

// time is a place in the recording: 4:05, 1:02:03.
export function time(t) {
	t = Math.max(0, Math.floor(Number(t) || 0));
	const two = (n) => String(n).padStart(2, "0");
	const h = Math.floor(t / 3600), m = Math.floor(t / 60) % 60, s = t % 60;
	return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// spokenTime is time as it is said: "1 hour 2 minutes 3 seconds".
export function spokenTime(t) {
	t = Math.max(0, Math.floor(Number(t) || 0));
	const n = (k, unit) => `${k} ${unit}${k === 1 ? "" : "s"}`;
	const parts = [];
	if (t >= 3600) parts.push(n(Math.floor(t / 3600), "hour"));
	if (t >= 60 && Math.floor(t / 60) % 60) parts.push(n(Math.floor(t / 60) % 60, "minute"));
	if (t % 60 || parts.length === 0) parts.push(n(t % 60, "second"));
	return parts.join(" ");
}

// length is how long something lasted: 0.4 s, 12 s, 4 min, 1 h 5 min.
export function length(t) {
	t = Math.max(0, Number(t) || 0);
	if (t < 9.95) return `${Number(t.toFixed(1))} s`;
	if (t < 59.5) return `${Math.round(t)} s`;
	const m = Math.round(t / 60);
	if (m < 60) return `${m} min`;
	return m % 60 ? `${Math.floor(m / 60)} h ${m % 60} min` : `${m / 60} h`;
}

// bytes is a size: 640 kB, 1.2 GB.
export function bytes(n) {
	n = Number(n) || 0;
	const units = ["B", "kB", "MB", "GB", "TB"];
	let i = 0;
	while (n >= 999.5 && i < units.length - 1) n /= 1000, i++;
	return `${i && n < 9.95 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

// date is a day and a time of day, in the reader's own zone; '' for none.
export function date(iso, style = "medium") {
	const d = new Date(iso);
	if (!iso || Number.isNaN(d.getTime()) || d.getFullYear() < 1971) return "";
	return d.toLocaleString(undefined, {dateStyle: style, timeStyle: "short"});
}

// count is "1 person", "3 people".
export function count(n, one, many = one + "s") {
	return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}

const IDENTIFIED = {
	proved: {
		label: "Identity proved",
		short: "proved",
		text: "This member signed a membership proof with the key on their own card, and whoever recorded the meeting has pinned that card.",
	},
	operator: {
		label: "Vouched for by the operator",
		short: "vouched for",
		text: "Whoever ran the recorder said that this member is who the name says. No key of the member has proved it.",
	},
	card: {
		label: "Claimed, by a card nobody had pinned",
		short: "claimed",
		text: "This member holds the key of a card, but whoever recorded the meeting had not pinned that card: the name is a claim.",
	},
	claimed: {
		label: "Unknown, named by the server",
		short: "unknown",
		text: "The name is what the meeting’s server said. Nothing was proved, and nobody has checked it.",
	},
	unknown: {
		label: "Unknown",
		short: "unknown",
		text: "What this key may open does not say who this is.",
	},
};

// identified tells how a person was identified: {label, short, text}.
export function identified(how) {
	return IDENTIFIED[how] ?? IDENTIFIED.unknown;
}

const GAPS = {
	"start": ["not yet received", "The first packets of this track took their time."],
	"loss": ["packets lost", "Packets never reached the recorder."],
	"no-key": ["key missing", "The recorder did not have the key for these frames."],
	"auth": ["not authentic", "These frames did not authenticate: a wrong key, or tampering. They were not recorded."],
	"plaintext": ["not encrypted", "This track came unencrypted into an encrypted meeting. It was refused."],
	"key-frame": ["waiting for a full picture", "After a hole the picture can only go on with a complete frame."],
	"asleep": ["recorder asleep", "The machine that recorded was suspended."],
	"reconnect": ["recorder away", "The recorder had lost its connection to the meeting."],
	"bandwidth": ["no bandwidth", "The meeting's server found no bandwidth to send this to the recorder."],
	"codec": ["codec not recorded", "This track came in a codec that the recorder does not record."],
	"format": ["fits no file", "A picture or frame was larger than what can be recorded."],
	"fault": ["not understood", "The recorder could not cope with what was sent here, and kept nothing more of this track."],
	"spool-full": ["disk full", "The recorder had no room left to write."],
	"paused": ["recording paused", "The recording was paused. Nothing was kept."],
};

// gap tells why something is missing: {label, text}.
export function gap(reason) {
	const g = GAPS[reason];
	if (g) return {label: g[0], text: g[1]};
	const r = line(reason, 60);
	return {label: r || "missing", text: r ? `Missing: ${r}.` : "This part is missing."};
}

const SOURCES = {"microphone": "microphone", "camera": "camera", "screen": "screen", "screen-audio": "sound of the screen"};

// source names what a track carries.
export function source(s) {
	return SOURCES[s] ?? "track";
}

const CODECS = {opus: "Opus", vp8: "VP8", vp9: "VP9", av1: "AV1", h264: "H.264", h265: "H.265 (HEVC)"};

// codec names an encoding as people know it.
export function codec(c) {
	return CODECS[c] ?? (line(c, 24) || "unknown codec");
}

// A sentence is a list of strings and of {who}, a person's name, and {quote},
// what someone wrote: a page sets the latter two apart, so that they cannot
// pass for its own words.

// CUT is what is said of a message that is not all there.
export const CUT = "the rest is not here: it was too long, or its end never came";

// sentence says what an event is. name(identity) is a person's display name and
// track(uid) what a track is, {who, source}. kind is chat, event, detail or
// trouble; null for what no list should show.
export function sentence(e, {name = (id) => id, track = () => null} = {}) {
	const t = e.track ? track(e.track) : null;
	const who = {who: line(name(e.participant) || e.name || t?.who || e.participant || "someone", 80)};
	const what = t ? source(t.source) : "track";
	const quote = {quote: tame(e.text)};
	const lasted = e.to > e.from ? length(e.to - e.from) : "";
	const s = (kind, ...parts) => ({kind, parts});
	switch (e.type) {
		case "start": return s("event", "Recording started", ...(e.text ? [" in ", {quote: line(e.text, 120)}] : []));
		case "stop": return s("event", `Recording ended${e.reason ? ": " + line(e.reason, 120) : ""}`);
		case "announced": return s("event", "The recorder told the room: ", quote);
		case "join": return s("event", who, " joined");
		case "leave": return s("event", who, " left");
		case "verified":
			if (!e.name) return s("event", who, " is not taken for anybody any more");
			return e.reason === "proof" ?
				s("event", who, " proved to be ", {who: line(e.name || e.participant, 80)}) :
				s("event", who, " is ", {who: line(e.name || e.participant, 80)}, ", says the operator");
		case "claimed": return s("event", who, " showed a card that nobody had pinned, with the name ", {who: line(e.name || "none", 80)});
		case "name": return s("event", {who: line(e.text, 80) || "someone"}, " is now called ", {who: line(e.name, 80) || "nothing"});
		case "hand": return s("event", who, e.reason === "lowered" ? " lowered their hand" : " raised their hand");
		case "metadata": return s("detail", "The room’s own data changed: ", quote);
		case "screen": return s("event", who, " shares a screen");
		case "screen-end": return s("event", who, " stopped sharing");
		case "chat": return s("chat", quote, ...(e.reason === "cut" ? [` (${CUT})`] : []));
		case "stream": return s("event", who, e.text ? " sent the file " : " sent a text", ...(e.text ? [{quote: line(e.text, 120)}] : []),
			` of ${bytes(e.size || 0)}`, ...(e.reason ? [" on the topic ", {quote: line(e.reason, 60)}] : []), ", which is not kept");
		case "reaction": return s("chat", who, " reacted: ", {quote: line(e.text, 40)});
		case "consent": return s("event", who, ` ${{given: "agreed to be recorded", refused: "refused to be recorded", withdrawn: "withdrew consent"}[e.reason] ?? "spoke about consent"}`,
			...(e.text ? [": ", quote] : []));
		case "epoch": return s("event", "From here on it can be opened by ", {quote: tame(e.text) || "nobody"});
		case "lost": return s("trouble", "The recorder lost the meeting");
		case "reconnect": return s("trouble", `The recorder came back${lasted ? " after " + lasted : ""}`);
		case "pause": return s("event", `Recording paused${e.reason ? ": " + line(e.reason, 120) : ""}`);
		case "resume": return s("event", "Recording goes on");
		case "gap":
			if (e.reason === "asleep" && !e.track) return s("trouble", `Nothing was recorded for ${lasted || "a moment"}: the recorder’s machine was suspended`);
			if (e.reason === "paused") return s("detail", `Nothing of `, who, `’s ${what} for ${lasted || "a moment"}: paused`);
			return s(e.to - e.from >= 1 ? "trouble" : "detail", who, `’s ${what} misses ${lasted || "a moment"}: ${gap(e.reason).label}`);
		case "integrity":
			if (!t) return s("trouble", "Something false arrived as ", who, `’s word of who they are: ${line(e.reason, 120)}`);
			return s("trouble", "Something false arrived as ", who, `’s ${what}: ${line(e.reason, 120)}. It was not recorded`);
		case "clock": return s("detail", who, `’s ${what} sent wrong times, off by ${line(e.text, 20)}. It was put by when it came`);
		case "dropped": return s("trouble", `Missing: ${count(e.count || 0, "event")} of the kind “${line(e.reason, 40)}”`, ...(e.participant ? [" of ", who] : []), `, too many came at once`);
		case "resealed": return s("event", "Copied from another recording for other readers");
		case "track":
			if (e.reason === "plaintext") return s("event", who, `’s ${what} came on, without end-to-end encryption`);
			return s("detail", who, ` turned on the ${what}`);
		case "track-end": return s("detail", who, ` turned off the ${what}`);
		case "mute": return s("detail", who, ` muted the ${what}`);
		case "unmute": return s("detail", who, ` unmuted the ${what}`);
		case "size": return s("detail", who, `’s ${what} is now ${line(e.text, 20)}`);
		case "published":
			return s("detail", who, `’s ${what} is published as ${line(e.text, 20)}${e.reason === "max-video" ? "; less was asked for" : ""}`);
		case "left-out": return s("detail", who, ` publishes what is not recorded: ${line(e.text, 20)}`);
		case "quality": return s("detail", who, `’s connection is ${line(e.reason, 20)}`);
		case "keys": return s("detail", who, `’s ${what} uses key ${line(e.text, 10)}`);
		default: return null; // speaking has lanes; what a later format adds is not known
	}
}

// plain is a sentence as one string.
export function plain(parts) {
	return parts.map((p) => typeof p === "string" ? p : p.who ?? p.quote).join("");
}
