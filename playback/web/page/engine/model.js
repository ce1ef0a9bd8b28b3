/**
 * What is known of a recording, from the server's JSON: who was there, what they
 * sent and when, what is missing. Pure: no DOM, no clock, no network. All times
 * are seconds on the recording clock, all spans are [from, to), sorted and apart.
 *
 * Names, titles and texts are what strangers chose. They are kept as they came;
 * whoever shows them makes text of them.
 */
import * as spans from "./spans.js";

/** Pictures come from a key frame on. How far back one is looked for, in segments. */
const keyReach = 48;

/**
 * How many segments are looked back for sound that goes on beyond the beginning of
 * the next, if it does for longer than soundSlack, in seconds.
 */
const soundReach = 2, soundSlack = 0.05;

/** Silence that skip-silence leaves: after a word, before one, and the least it skips. */
const afterWord = 0.6, beforeWord = 0.5, leastSkip = 1.5;

/** A speaking event comes when somebody stops, or in pieces of 30 s: nearer to the end of a recording that goes on nobody knows. */
const speakingLag = 32;

/** How a name may be known, by how much it is worth. */
const grades = ["", "card", "operator", "proved"];

function arrive(p) {
	if (!p.here) p.stays.push("");
	p.here = true;
}

function depart(p, t) {
	p.here = false;
	p.known.push([t, ""]);
}

function identify(p, t, how) {
	arrive(p);
	const now = p.stays.length - 1;
	if (grades.indexOf(how) <= grades.indexOf(p.stays[now])) return;
	p.stays[now] = how;
	p.known.push([t, how]);
}

const states = { r: "readable", l: "locked", f: "failed", u: "unlisted" };

/**
 * @typedef {object} Segment
 * @property {number} number
 * @property {number} from
 * @property {number} to where the next begins, or the media ends
 * @property {number} end where the media ends
 * @property {"readable"|"locked"|"failed"|"unlisted"} state
 * @property {Map<string, number[]>} tracks UID to the times of key frames
 *
 * @typedef {object} Track
 * @property {string} uid
 * @property {string} participant
 * @property {string} name
 * @property {"microphone"|"camera"|"screen"|"screen-audio"|"unknown"} source
 * @property {"audio"|"video"} kind
 * @property {string} codec
 * @property {string} mime
 * @property {number} width
 * @property {number} height
 * @property {spans.Span[]} life when it was published
 * @property {spans.Span[]} muted
 *
 * @typedef {object} Person
 * @property {string} id identity in the room, as its server said
 * @property {string} name
 * @property {"proved"|"operator"|"card"|"claimed"|"unknown"} how how the name is known in each stay, at the least; card: they hold the key of one that nobody had pinned
 * @property {[number, string][]} known from when on it is known how, "" for not any more
 * @property {boolean} reader the name is among those who may read
 * @property {spans.Span[]} presence
 * @property {spans.Span[]} speaking
 * @property {Object<string, spans.Span[]>} muted by source
 * @property {Track[]} tracks
 */
export class Recording {
	/** @param {object} json what api/recordings/ID gave */
	constructor(json) {
		/** @type {Segment[]} by number */
		this.segments = [];
		this.events = [];
		/** @type {object[]} */
		this.gaps = [];
		this.update(json);
	}

	/**
	 * update takes the recording's later state: the whole of it, or only segments
	 * from a number on and events from a count on, as asked for.
	 */
	update(json) {
		this.version = json.version;
		this.id = json.id;
		this.state = json.state;
		this.live = json.state === "open";
		this.room = json.room || "";
		this.title = json.title || "";
		this.start = json.start ? new Date(json.start) : null;
		this.signers = json.signers || [];
		this.distrust = json.distrust || "";
		this.postQuantum = !!json.post_quantum;
		this.resealedFrom = json.resealed_from || "";
		this.command = json.command || "";
		this.epochs = json.epochs || [];
		this.problems = json.problems || [];
		this.#takeSegments(json.segments || [], json.tracks || []);
		this.#takeEvents(json.events || [], json.events_total);
		this.gaps = json.gaps || this.gaps;
		const last = this.segments[this.segments.length - 1];
		this.duration = Math.max(json.duration || 0, last ? last.to : 0);
		this.#derive(json.tracks || []);
	}

	/** What to ask the server for next: all before is known and will not change. */
	get known() {
		const last = this.segments[this.segments.length - 1];
		return { version: this.version, from: last ? last.number : 0, events: this.events.length };
	}

	#takeSegments(list, tracks) {
		if (list.length > 0) {
			this.segments = this.segments.filter((s) => s.number < list[0][0]);
		}
		const uids = tracks.map((t) => String(t.uid)), none = [];
		for (const [number, from, to, state, media] of list) {
			const byTrack = new Map();
			// Two hours of thirty people are fifty thousand of these: most have no keys.
			for (const entry of media || []) {
				const uid = uids[entry[0]];
				if (uid !== undefined) byTrack.set(uid, entry.length > 1 ? entry.slice(1) : none);
			}
			this.segments.push({ number, from, to, end: to, state: states[state] || "failed", tracks: byTrack });
		}
		this.segments.sort((x, y) => x.number - y.number);
		// Frames of one segment may end a little after the next begins, which then
		// has the word. Times that run back would hide segments from every search.
		this.segments.forEach((s, i) => {
			const next = this.segments[i + 1];
			if (next && next.from < s.from) next.from = s.from;
			if (next && s.to > next.from) s.to = next.from;
		});
		this.froms = this.segments.map((s) => [s.from, s.to]);
	}

	#takeEvents(list, total) {
		const known = total === undefined ? 0 : Math.max(0, total - list.length);
		this.events = this.events.slice(0, known).concat(list);
	}

	#derive(tracks) {
		this.locked = this.#spansIn("locked");
		this.failed = this.#spansIn("failed", "unlisted");
		this.readers = [];
		const marks = this.#marks();
		this.#deriveTracks(tracks, marks);
		this.#derivePeople(marks);
		this.chat = this.events.filter((e) => e.type === "chat" || e.type === "reaction")
			.map((e) => ({ t: e.t, who: e.participant || "", name: e.name || this.person(e.participant)?.name || "",
				text: e.text || "", reaction: e.type === "reaction" }));
	}

	#spansIn(...wanted) {
		return spans.merge(this.segments.filter((s) => wanted.includes(s.state)).map((s) => [s.from, s.to]));
	}

	/** One pass over the events: what began and ended, by participant and by track. */
	#marks() {
		const m = { people: new Map(), tracks: new Map(), readers: new Set() };
		const person = (e) => {
			const id = e.participant || "";
			if (!m.people.has(id)) m.people.set(id, { presence: [], speaking: [], name: "", stays: [], known: [], here: false, first: e.t });
			const p = m.people.get(id);
			p.name ||= e.type === "verified" || e.type === "claimed" ? "" : e.name || "";
			return p;
		};
		const track = (e) => {
			if (!m.tracks.has(e.track)) m.tracks.set(e.track, { life: [], muted: [], plain: false });
			return m.tracks.get(e.track);
		};
		for (const e of this.events) {
			if (e.participant) person(e);
			switch (e.type) {
			case "join": person(e).presence.push([e.t, true]); arrive(person(e)); break;
			case "leave": person(e).presence.push([e.t, false]); depart(person(e), e.t); break;
			case "name": if (e.name) person(e).name = e.name; break;
			case "speaking": person(e).speaking.push([e.from ?? e.t, e.to ?? e.t]); break;
			case "claimed": identify(person(e), e.t, "card"); break;
			case "verified": {
				const p = person(e);
				p.verified = e.name;
				if (!e.name) { // somebody else may be there in their place
					depart(p, e.t);
					arrive(p);
					break;
				}
				identify(p, e.t, e.reason === "proof" ? "proved" : "operator");
				break;
			}
			case "track": case "track-end":
				if (!e.track) break;
				track(e).life.push([e.t, e.type === "track"]);
				if (e.reason === "plaintext") track(e).plain = true;
				break;
			case "mute": case "unmute": if (e.track) track(e).muted.push([e.t, e.type === "mute"]); break;
			case "epoch": for (const name of (e.text || "").split(", ")) if (name) m.readers.add(name);
			}
		}
		return m;
	}

	#deriveTracks(list, marks) {
		const seen = new Map(); // UID to the spans of the segments that tell of it
		for (const s of this.segments) {
			for (const uid of s.tracks.keys()) {
				const held = seen.get(uid), last = held?.[held.length - 1];
				if (!held) seen.set(uid, [[s.from, s.to]]);
				else if (s.from <= last[1] + 0.5) last[1] = s.to;
				else held.push([s.from, s.to]);
			}
		}
		this.tracks = list.map((t) => {
			const uid = String(t.uid), mark = marks.tracks.get(uid);
			const held = seen.get(uid) || [];
			const told = mark ? spans.lasting(mark.life, 0, this.#lastKnown(mark.life, held)) : [];
			// The timeline says to the millisecond what segments say to their length; of
			// locked spans there may be no timeline.
			const life = told.length ? spans.merge(told.concat(held.filter(([a, b]) =>
				!spans.intersect(told, [[a - 5, b + 5]]).length))) : held;
			return {
				uid, participant: t.participant || "", name: t.name || "", source: t.source || "unknown",
				kind: (t.mime || "").startsWith("audio/") || t.codec === "opus" ? "audio" : "video",
				codec: t.codec, mime: t.mime || "", width: t.width || 0, height: t.height || 0, channels: t.channels || 0,
				plain: !!mark?.plain, life, muted: spans.intersect(mark ? spans.lasting(mark.muted, 0, this.duration) : [], life),
			};
		});
		this.byUID = new Map(this.tracks.map((t) => [t.uid, t]));
		this.missing = new Map();
		for (const g of this.gaps) {
			const uid = String(g.track);
			if (!this.missing.has(uid)) this.missing.set(uid, []);
			this.missing.get(uid).push({ from: g.from, to: g.to, reason: g.reason || "" });
		}
		for (const holes of this.missing.values()) holes.sort((x, y) => x.from - y.from);
	}

	/** lastKnown is when a track ended of which the timeline does not tell, because that part cannot be read. */
	#lastKnown(life, held) {
		const last = held.length ? held[held.length - 1][1] : 0;
		const since = Math.max(last, life.length ? life[life.length - 1][0] : 0);
		return this.locked.concat(this.failed).some(([, b]) => b > since) ? since : this.duration;
	}

	#derivePeople(marks) {
		const ids = new Set(marks.people.keys());
		for (const t of this.tracks) if (t.participant) ids.add(t.participant);
		this.people = [...ids].map((id) => {
			const m = marks.people.get(id) || { presence: [], speaking: [], name: "", stays: [], known: [] };
			const tracks = this.tracks.filter((t) => t.participant === id);
			const name = m.verified || m.name || tracks.find((t) => t.name)?.name || "";
			const speaking = spans.merge(m.speaking);
			let presence = spans.lasting(m.presence, 0, this.duration);
			// Somebody who sends is there, whatever the timeline lacks.
			presence = spans.merge(presence.concat(...tracks.map((t) => t.life.map(([a, b]) => [a, b]))), 0.25);
			const muted = {};
			for (const t of tracks) muted[t.source] = spans.merge((muted[t.source] || []).concat(t.muted.map(([a, b]) => [a, b])));
			const least = grades[Math.min(...m.stays.map((how) => grades.indexOf(how)))] || (name ? "claimed" : "unknown");
			return { id, name, how: least, known: m.known, reader: !!m.verified && marks.readers.has(m.verified),
				presence, speaking, muted, tracks };
		}).filter((p) => p.presence.length || p.tracks.length);
		this.people.sort((x, y) => (x.presence[0]?.[0] ?? 0) - (y.presence[0]?.[0] ?? 0));
		this.byID = new Map(this.people.map((p) => [p.id, p]));
		this.speaking = spans.merge([].concat(...this.people.map((p) => p.speaking.map(([a, b]) => [a, b]))));
		this.readers = [...marks.readers];
	}

	/** @returns {Person|undefined} */
	person(id) {
		return this.byID?.get(id);
	}

	/**
	 * howAt tells how a person's name was known at t. It is proved for one stay only:
	 * whoever comes back under the identity may be somebody else.
	 */
	howAt(id, t) {
		const p = this.person(id);
		if (!p) return "unknown";
		const i = spans.find(p.known, t);
		return (i >= 0 && p.known[i][1]) || (p.name ? "claimed" : "unknown");
	}

	/** @returns {Track|undefined} */
	track(uid) {
		return this.byUID.get(uid);
	}

	/** holes returns what the track misses of what was sent: [{from, to, reason}]. */
	holes(uid) {
		return this.missing.get(uid) || [];
	}

	/** at tells who is there, who speaks and which screens are shown at t; at the end, just before it. */
	at(t) {
		t = Math.min(t, this.duration - 0.05);
		const present = [], speaking = [];
		for (const p of this.people) {
			if (spans.within(p.presence, t)) present.push(p.id);
			if (spans.within(p.speaking, t)) speaking.push(p.id);
		}
		const screens = this.tracks.filter((x) => x.source === "screen" && spans.within(x.life, t)).map((x) => x.uid);
		return { present, speaking, screens };
	}

	/**
	 * silences returns the spans to skip, in which nobody speaks, with a little
	 * left at both ends. None if the timeline says nothing of speakers.
	 */
	silences() {
		if (this.speaking.length === 0) return [];
		const end = this.live ? this.duration - speakingLag : this.duration;
		const words = this.speaking.map(([a, b]) => [a - beforeWord, b + afterWord]);
		return spans.without(spans.merge(words), 0, end).filter(([a, b]) => b - a >= leastSkip);
	}

	/** segmentAt returns the index in segments of the last that begins by t, 0 at the least, -1 if there is none. */
	segmentAt(t) {
		return this.segments.length === 0 ? -1 : Math.max(0, spans.find(this.froms, t));
	}

	/** has says whether segment i can give media of the track. */
	has(i, uid) {
		const s = this.segments[i];
		return !!s && s.state === "readable" && s.tracks.has(uid);
	}

	/** sends says whether a segment that touches [from, to) can give media of the track. */
	sends(uid, from, to) {
		for (let i = Math.max(0, this.segmentAt(from)); i < this.segments.length && this.segments[i].from < to; i++) {
			if (this.has(i, uid)) return true;
		}
		return false;
	}

	/**
	 * pictureFrom returns the index of the segment from which on a picture at t must
	 * be decoded: that of the last key frame by t. Where there is none to go back to,
	 * it is the segment of t itself: its picture comes with its first key frame.
	 */
	pictureFrom(uid, t) {
		const i = this.segmentAt(t);
		for (let j = i; j >= 0 && j > i - keyReach && this.has(j, uid); j--) {
			if (this.segments[j].tracks.get(uid).some((key) => key <= t)) return j;
		}
		return i;
	}

	/**
	 * soundFrom returns the index of the segment from which on a sound at t must be
	 * fetched. Its last packets may be in the one before: a segment begins where the
	 * first picture in it does.
	 */
	soundFrom(uid, t) {
		let i = this.segmentAt(t);
		for (let n = 0; n < soundReach && i > 0 && this.segments[i - 1].end > t + soundSlack && this.has(i - 1, uid); n++) i--;
		return i;
	}

	/** firstKey returns the time of the track's first key frame in segment i, NaN if it has none. */
	firstKey(i, uid) {
		return this.segments[i]?.tracks.get(uid)?.[0] ?? NaN;
	}

	/**
	 * fail notes what a fetch found: segment i cannot be played. Returns whether
	 * that is news.
	 */
	fail(i, state) {
		const s = this.segments[i];
		if (!s || s.state === state) return false;
		s.state = state;
		this.locked = this.#spansIn("locked");
		this.failed = this.#spansIn("failed", "unlisted");
		return true;
	}
}
