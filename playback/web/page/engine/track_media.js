import { MediaBuffer } from "./media_buffer.js";

/** Seconds of media that stay behind the clock, and after how many seconds more is removed. */
const keepBehind = 10, removeBeyond = 16;

/** Seconds of media after a jump that are fetched before it happens. */
const afterJump = 6;

/** How far ahead a run passes over segments without the track, in seconds. */
const runAhead = 60;

/** Pictures are removed up to this long before a key frame, in seconds. */
const beforeKey = 0.002;

/**
 * A TrackMedia puts the segments of one track into the buffer of its element. It decides
 * which segments are needed and in which order they go in.
 *
 * Pictures decode only from a key frame on and only in order. So the buffer always has one
 * run of segments, from #first up to #next, without #next. Sound has the same rule, since
 * that costs nothing.
 */
export class TrackMedia {
	/** The recording time that is played or will be played next. */
	clockTime = 0;
	/** Indexes of segments: the first of the run, the next for the buffer, and the first that is not in it yet. */
	#first = -1;
	#next = -1;
	#done = -1;
	/** How often a run began. */
	#run = 0;
	/** @type {Map<number, import("./source.js").Part[]>} parts that came and are not in the buffer yet, by segment index */
	#held = new Map();
	/** @type {Set<number>} indexes of segments that could not be decoded */
	#spoilt = new Set();
	#segments;
	#track;
	#element;
	#config;
	#buffer;

	/**
	 * @param {import("./segments.js").Segments} segments
	 * @param {import("./tracks_of.js").Track} track
	 * @param {HTMLMediaElement} element
	 * @param {object} config
	 * @param {() => boolean} config.over no segments will follow those that there are
	 * @param {() => void} config.changed the track may be ready now, or need something
	 * @param {() => void} config.restarting the element is about to lose all its media
	 * @param {(text: string) => void} config.broken a part cannot be decoded
	 */
	constructor(segments, track, element, config) {
		this.#segments = segments;
		this.#track = track;
		this.#element = element;
		this.#config = config;
		this.#buffer = this.#open();
	}

	#open() {
		return new MediaBuffer(this.#element, {
			quota: () => this.#cuttable(this.clockTime - 1), broken: (text, i) => this.spoil(text, i), changed: this.#config.changed,
		});
	}

	close() {
		this.#buffer.close();
		this.#held.clear();
	}

	/** @param {number} i */
	#has(i) {
		return this.#segments.has(i, this.#track.uid) && !this.#spoilt.has(i);
	}

	/** @param {number} t */
	#from(t) {
		const { uid, kind } = this.#track;
		return kind === "video" ? this.#segments.pictureFrom(uid, t) : this.#segments.soundFrom(uid, t);
	}

	/**
	 * aim sets the time that is played or will be played next. The buffer keeps its media if
	 * the run reaches t.
	 * @param {number} t
	 */
	aim(t) {
		this.clockTime = t;
		const from = this.#from(t), at = this.#segments.at(t);
		if (this.#first < 0 || from < this.#first || at > this.#next) this.#beginRun();
	}

	/** beginRun begins another run, with the segments that the clock's time needs. */
	#beginRun() {
		const from = this.#from(this.clockTime);
		this.#first = this.#next = this.#done = from;
		this.#run++;
		for (const i of this.#held.keys()) if (i < from) this.#held.delete(i);
		this.#buffer.clear();
		this.#drain();
	}

	/**
	 * lacks returns the segments that must be fetched to play up to until, in the
	 * order in which they are needed.
	 * @param {number} until
	 * @param {number|null} jump the time at which it goes on after until; null: it does not jump
	 */
	lacks(until, jump = null) {
		this.#drain();
		const need = this.#span(this.#next, until);
		if (jump !== null) need.push(...this.#span(Math.max(this.#next, this.#from(jump)), jump + afterJump));
		for (const i of this.#held.keys()) if (!need.includes(i)) this.#held.delete(i);
		return this.#buffer.full ? [] : need.filter((i) => !this.#held.has(i));
	}

	/**
	 * span returns those segments with media of the track, from index i on, that begin before
	 * until.
	 * @param {number} i
	 * @param {number} until
	 */
	#span(i, until) {
		const out = [], { list } = this.#segments;
		for (; i < list.length && list[i].from < until; i++) if (this.#has(i)) out.push(i);
		return out;
	}

	/**
	 * give takes in the track's parts of segment i.
	 * @param {number} i
	 * @param {import("./source.js").Part[]} parts
	 */
	give(i, parts) {
		if (i < this.#next) return;
		this.#held.set(i, parts);
		this.#drain();
	}

	/** drain appends the parts that came, in order, up to the first segment that did not. */
	#drain() {
		const { list } = this.#segments;
		while (this.#next < list.length) {
			const i = this.#next;
			if (this.#has(i) && !this.#held.has(i)) break;
			// Without this the run would go on to the end over segments without the track.
			if (!this.#has(i) && list[i].from > this.clockTime + runAhead) break;
			const parts = this.#held.get(i) || [], run = this.#run;
			this.#held.delete(i);
			this.#next++;
			parts.forEach((part, n) => this.#buffer.append(part, i, () => {
				if (run === this.#run && n === parts.length - 1) this.#done = i + 1;
			}));
		}
		if (this.#buffer.idle) this.#done = this.#next;
	}

	/**
	 * covered reports whether all media of the track at t is in the buffer. It is true if
	 * there is none.
	 * @param {number} t
	 */
	covered(t) {
		const i = this.#segments.at(t);
		if (!this.#has(i) || t >= this.#segments.list[i].to) return true;
		if (this.#buffer.idle) this.#done = this.#next;
		return this.#first <= i && i < this.#done;
	}

	/**
	 * spoils reports whether the browser could not decode the segment at t.
	 * @param {number} t
	 */
	spoils(t) {
		return this.#spoilt.has(this.#segments.at(t));
	}

	/**
	 * around returns the range in the buffer that contains t, or null.
	 * @param {number} t
	 */
	around(t) {
		return this.#buffer.around(t);
	}

	/**
	 * after returns where the next range in the buffer begins after t, or null.
	 * @param {number} t
	 */
	after(t) {
		return this.#buffer.after(t);
	}

	/**
	 * tidy removes media far behind the clock, makes room if the buffer is full, and ends
	 * what has come to the end of the recording.
	 */
	tidy() {
		if (this.#buffer.finished) return; // removing something would open it again
		if (this.#next === this.#segments.list.length && this.#buffer.idle && this.#buffer.ranges.length && this.#config.over()) {
			return this.#buffer.finish();
		}
		if (this.#buffer.full) {
			this.#buffer.kick();
			if (this.#buffer.full && !this.covered(this.clockTime)) this.#beginRun();
			return;
		}
		const start = this.#buffer.ranges[0]?.[0];
		if (start === undefined || this.clockTime - start < removeBeyond || !this.#buffer.idle) return;
		const span = this.#cuttable(this.clockTime - keepBehind);
		if (span) this.#buffer.remove(...span);
	}

	/**
	 * cuttable returns the span before t that may be removed, or null. It has only whole
	 * segments of sound, and pictures only up to the first key frame of a segment. So #first
	 * stays true.
	 * @param {number} t
	 * @returns {import("./spans.js").Span|null}
	 */
	#cuttable(t) {
		const i = this.#from(t), start = this.#buffer.ranges[0]?.[0], { uid, kind } = this.#track;
		const until = kind === "audio" ? this.#segments.list[i]?.from : this.#segments.firstKey(i, uid) - beforeKey;
		if (start === undefined || !(until > start && until <= t)) return null;
		this.#first = Math.max(this.#first, Math.min(i, this.#done));
		return [0, until];
	}

	/**
	 * spoil begins again without a segment that the browser could not decode: segment i. If
	 * i is null, it is the one that plays now.
	 * @param {string} text
	 * @param {number|null} [i]
	 */
	spoil(text, i = null) {
		i ??= this.#segments.at(this.#element.currentTime);
		while (this.#spoilt.has(i)) i++;
		this.#spoilt.add(i);
		this.#config.restarting();
		this.#buffer.close();
		this.#held.clear();
		this.#buffer = this.#open();
		this.#beginRun();
		this.#config.broken(text);
	}
}
