import * as spans from "./spans.js";

/** How many segments back the key frame of a picture is looked for. */
const keyReach = 48;

/**
 * How many segments back sound is looked for that reaches into the present one, by more
 * than soundSlack, in seconds.
 */
const soundReach = 2, soundSlack = 0.05;

/** @typedef {"readable"|"locked"|"failed"|"unlisted"} SegmentState */

/** @type {Record<string, SegmentState>} */
const segmentStates = { r: "readable", l: "locked", f: "failed", u: "unlisted" };

/**
 * @typedef {object} Segment
 * @property {number} number
 * @property {number} from
 * @property {number} to where the next begins, or the media ends
 * @property {number} end where the media ends
 * @property {SegmentState} state
 * @property {Map<string, number[]>} tracks UID to the times of key frames
 */

/** Segments are the segments of a recording, and say what of them can be played. Pure. */
export class Segments {
	/** @type {Segment[]} by number */
	list = [];
	/** @type {spans.Span[]} what no key opens */
	locked = [];
	/** @type {spans.Span[]} what failed its verification */
	failed = [];
	/** @type {spans.Span[]} of the list */
	#spans = [];

	/** The last one, if there is any. */
	get last() {
		return this.list.at(-1);
	}

	/**
	 * take replaces the segments from the first entry on by those of the entries.
	 * @param {import("./description.js").SegmentEntry[]} entries
	 * @param {string[]} uids UIDs of the tracks; the entries have indexes into it
	 */
	take(entries, uids) {
		if (entries.length > 0) this.list = this.list.filter((s) => s.number < entries[0][0]);
		/** @type {number[]} */
		const noKeys = [];
		for (const [number, from, to, state, media] of entries) {
			/** @type {Map<string, number[]>} */
			const byTrack = new Map();
			// Two hours of thirty people have fifty thousand of these; most have no key
			// frames, and share one empty list.
			for (const entry of media || []) {
				const uid = uids[entry[0]];
				if (uid !== undefined) byTrack.set(uid, entry.length > 1 ? entry.slice(1) : noKeys);
			}
			this.list.push({ number, from, to, end: to, state: segmentStates[state] || "failed", tracks: byTrack });
		}
		this.list.sort((x, y) => x.number - y.number);
		// Frames of one segment may end a little after the next segment begins. Then the
		// next one counts. Times that run backwards would hide segments from searches.
		this.list.forEach((s, i) => {
			const next = this.list[i + 1];
			if (next && next.from < s.from) next.from = s.from;
			if (next && s.to > next.from) s.to = next.from;
		});
		this.#spans = this.list.map((s) => [s.from, s.to]);
		this.#markUnreadable();
	}

	#markUnreadable() {
		/** @param {...SegmentState} wanted */
		const spansOf = (...wanted) => {
			/** @type {spans.Span[]} */
			const list = this.list.filter((s) => wanted.includes(s.state)).map((s) => [s.from, s.to]);
			return spans.merge(list);
		};
		this.locked = spansOf("locked");
		this.failed = spansOf("failed", "unlisted");
	}

	/**
	 * at returns the index of the last segment that begins at t or before. Before the
	 * first segment it returns 0. Without segments it returns -1.
	 * @param {number} t
	 */
	at(t) {
		return this.list.length === 0 ? -1 : Math.max(0, spans.find(this.#spans, t));
	}

	/**
	 * has reports whether segment i is readable and has media of the track.
	 * @param {number} i
	 * @param {string} uid
	 */
	has(i, uid) {
		const s = this.list[i];
		return !!s && s.state === "readable" && s.tracks.has(uid);
	}

	/**
	 * sends reports whether a segment that touches [from, to) is readable and has media of
	 * the track.
	 * @param {string} uid
	 * @param {number} from
	 * @param {number} to
	 */
	sends(uid, from, to) {
		for (let i = Math.max(0, this.at(from)); i < this.list.length && this.list[i].from < to; i++) {
			if (this.has(i, uid)) return true;
		}
		return false;
	}

	/**
	 * pictureFrom returns the index of the segment at which decoding of the picture at t
	 * must begin: the one with the last key frame at t or before. If none is found, it is
	 * the segment of t, and the picture comes with its first key frame.
	 * @param {string} uid
	 * @param {number} t
	 */
	pictureFrom(uid, t) {
		const i = this.at(t);
		for (let j = i; j >= 0 && j > i - keyReach && this.has(j, uid); j--) {
			if (this.list[j].tracks.get(uid)?.some((key) => key <= t)) return j;
		}
		return i;
	}

	/**
	 * soundFrom returns the index of the first segment to fetch for the sound at t. Packets
	 * for t may be in the segment before, since a segment begins where its first picture
	 * does.
	 * @param {string} uid
	 * @param {number} t
	 */
	soundFrom(uid, t) {
		let i = this.at(t);
		for (let n = 0; n < soundReach && i > 0 && this.list[i - 1].end > t + soundSlack && this.has(i - 1, uid); n++) i--;
		return i;
	}

	/**
	 * firstKey returns the time of the track's first key frame in segment i, NaN if it has none.
	 * @param {number} i
	 * @param {string} uid
	 */
	firstKey(i, uid) {
		return this.list[i]?.tracks.get(uid)?.[0] ?? NaN;
	}

	/**
	 * fail notes that segment i cannot be played, as a fetch found out. Returns whether that
	 * was not known.
	 * @param {number} i
	 * @param {"locked"|"failed"} state
	 */
	fail(i, state) {
		const s = this.list[i];
		if (!s || s.state === state) return false;
		s.state = state;
		this.#markUnreadable();
		return true;
	}
}
