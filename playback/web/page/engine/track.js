/**
 * One track's way from segments to its element: which segments it needs, in which
 * order they go into the buffer, and how its element keeps to the clock.
 *
 * Pictures decode only from a key frame on and only in order, so what is in the
 * buffer is always one run of segments, from first up to (without) next. Sound is
 * held to the same, for it costs nothing.
 */
import { Buffer } from "./buffer.js";
import { stretch, trim } from "./clock.js";

/** What is kept before the clock, in seconds, and when it is worth a removal. */
const behind = 10, untidy = 16;

/** Beyond this an element is not drawn to the clock but put there: drawing a sound takes too long, seeking pictures costs much. */
const far = { audio: 0.08, video: 0.5 };

/** How far ahead of the clock pictures are put that are to begin with the sound. */
const lead = 0.03;

/** An element that is this late may begin where it is. */
const late = { audio: 0.02, video: 0.4 };

/** How late pictures are to be seen on average: the half of a screen's frame. And how late they are, until it is learnt. */
const seen = 0.008, usuallyLate = 0.012;

/** How much is fetched beyond a jump before it happens, in seconds. */
const afterJump = 6;

/** How soon before its media an element is made ready to begin. */
const soon = 4;

/**
 * What play() and seeking take, learnt while playing, in seconds. The first sounds
 * start the device as well; those that join have it running.
 */
const habit = { audio: { start: 0.06, join: 0.06, seek: 0.08 }, video: { start: 0.01, join: 0.01, seek: 0.15 } };

function learn(kind, what, took) {
	if (took >= 0 && took < 2) habit[kind][what] += (Math.min(took, 0.5) - habit[kind][what]) * 0.25;
}

export class TrackPlayer {
	/**
	 * @param {import("./model.js").Recording} recording
	 * @param {import("./model.js").Track} track
	 * @param {HTMLMediaElement} element
	 * @param {object} c
	 * @param {(now: number) => number} c.clock the recording time at a time of the machine, in seconds
	 * @param {() => void} c.changed it may be ready now, or need something
	 * @param {(text: string) => void} c.broken a part cannot be decoded
	 * @param {() => void} c.refused the browser wants a click before there is sound
	 */
	constructor(recording, track, element, c) {
		this.recording = recording;
		this.uid = track.uid;
		this.kind = track.kind;
		this.element = element;
		this.c = c;
		this.held = new Map(); // parts that came and are not yet in the buffer, by segment index
		this.spoilt = new Set(); // segments that could not be decoded
		this.first = this.next = this.done = -1;
		this.run = 0; // counts how often the buffer began anew
		this.clockTime = this.aimed = 0;
		this.on = false; // play was called
		this.placed = null; // where the element was put, to wait for the clock
		this.factor = 1;
		this.lead = 0;
		this.restarted = -Infinity;
		this.restarts = 0;
		this.late = usuallyLate;
		this.listening = new AbortController();
		const on = (type, f) => element.addEventListener(type, f, { signal: this.listening.signal });
		on("seeked", () => this.#seeked());
		on("canplay", () => c.changed());
		on("loadeddata", () => c.changed());
		on("error", () => this.#spoil(element.error?.message || "the browser cannot decode it"));
		this.#open();
		if (this.kind === "video") this.#watch();
	}

	#open() {
		this.buffer = new Buffer(this.element, {
			quota: () => this.#cuttable(this.clockTime - 1), broken: (text, i) => this.#spoil(text, i), changed: () => this.c.changed(),
		});
	}

	/** close frees the element; it stays, to be used again. */
	close() {
		this.#cancel();
		this.listening.abort();
		this.element.pause();
		this.buffer.close();
		this.held.clear();
	}

	#has(i) {
		return this.recording.has(i, this.uid) && !this.spoilt.has(i);
	}

	#from(t) {
		return this.kind === "video" ? this.recording.pictureFrom(this.uid, t) : this.recording.soundFrom(this.uid, t);
	}

	/** aim makes t the time that is played, or will be. What is in the buffer stays if it leads to t. */
	aim(t) {
		this.clockTime = this.aimed = t;
		const from = this.#from(t), at = this.recording.segmentAt(t);
		if (this.first < 0 || from < this.first || at > this.next) this.#anew();
	}

	/** anew begins a run with what the clock's time needs. */
	#anew() {
		const from = this.#from(this.clockTime);
		this.first = this.next = this.done = from;
		this.run++;
		for (const i of this.held.keys()) if (i < from) this.held.delete(i);
		this.buffer.clear();
		this.#drain();
	}

	/**
	 * lacks returns the segments that must be fetched to play up to until, in the
	 * order in which they are needed.
	 * @param {number} until
	 * @param {number|null} jump where it will go on then
	 * @returns {number[]}
	 */
	lacks(until, jump = null) {
		this.#drain();
		const need = this.#span(this.next, until);
		if (jump !== null) need.push(...this.#span(Math.max(this.next, this.#from(jump)), jump + afterJump));
		for (const i of this.held.keys()) if (!need.includes(i)) this.held.delete(i);
		return this.buffer.full ? [] : need.filter((i) => !this.held.has(i));
	}

	/** span returns the segments with media from the index on that begin before a time. */
	#span(i, until) {
		const out = [], { segments } = this.recording;
		for (; i < segments.length && segments[i].from < until; i++) if (this.#has(i)) out.push(i);
		return out;
	}

	/** give takes the track's parts of segment i. */
	give(i, parts) {
		if (i < this.next) return;
		this.held.set(i, parts);
		this.#drain();
	}

	/** drain appends what is there, in order. */
	#drain() {
		const { segments } = this.recording;
		while (this.next < segments.length) {
			const i = this.next;
			if (this.#has(i) && !this.held.has(i)) break;
			// Without this the run would go on to the end over segments without the track.
			if (!this.#has(i) && segments[i].from > this.clockTime + 60) break;
			const parts = this.held.get(i) || [], run = this.run;
			this.held.delete(i);
			this.next++;
			parts.forEach((part, n) => this.buffer.append(part, i, () => {
				if (run === this.run && n === parts.length - 1) this.done = i + 1;
			}));
		}
		if (this.buffer.idle) this.done = this.next;
	}

	/**
	 * covered says whether all that there is of the track at t is in the buffer; also
	 * when that is nothing.
	 */
	covered(t) {
		const i = this.recording.segmentAt(t);
		if (!this.#has(i) || t >= this.recording.segments[i].to) return true;
		if (this.buffer.idle) this.done = this.next;
		return this.first <= i && i < this.done;
	}

	/** spoils says whether the browser choked on what is at t. */
	spoils(t) {
		return this.spoilt.has(this.recording.segmentAt(t));
	}

	/** The media that is there for t, [from, to), or null. */
	range(t) {
		return this.buffer.around(t);
	}

	/**
	 * prepare puts the element at t, not playing. Returns whether it is ready to play,
	 * or has nothing to play.
	 * @param {number} t
	 * @param {number} rate at which it is to play as soon as all are ready, 0 if it is not:
	 *     pictures, which wait for the sound then, are put a little ahead, to begin at
	 *     the right moment
	 */
	prepare(t, rate) {
		this.aim(t);
		this.halt();
		if (!this.buffer.around(t)) {
			if (!this.covered(t)) return false;
			this.#await(t);
			return true;
		}
		const off = this.element.currentTime - t, ahead = this.kind === "video" ? lead * rate : 0;
		if (this.placed === null || off < -0.004 || off > ahead + 0.004) this.#place(this.buffer.around(t + ahead) ? t + ahead : t);
		return this.#settled();
	}

	#settled() {
		const e = this.element, r = this.buffer.around(e.currentTime);
		// Browsers do not get ready for so little. Nobody need wait for it.
		if (r && r[1] - e.currentTime < 0.4 && this.covered(r[1] + 0.1)) return true;
		if (e.seeking) return false;
		const enough = this.kind === "video" || !r || r[1] - e.currentTime < 0.5 ? 2 : 3;
		return e.readyState >= enough;
	}

	/** await makes the element ready for what comes next after t, if that is soon. */
	#await(t) {
		const next = this.buffer.after(t);
		if (next === null || next > t + soon) return;
		if (this.placed === null || Math.abs(this.placed - next) > 0.002) this.#place(next);
	}

	#place(t) {
		this.#cancel();
		if (this.element.seeking && this.placed !== null && Math.abs(this.placed - t) < 0.001) return;
		this.placed = t;
		this.placedAt = performance.now() / 1000;
		this.element.currentTime = t;
	}

	#seeked() {
		if (this.placed !== null) learn(this.kind, "seek", performance.now() / 1000 - this.placedAt);
		this.c.changed();
	}

	/** halt stops the element where it is. */
	halt() {
		this.#cancel();
		if (this.on) {
			this.on = false;
			this.dry = undefined;
			this.placed = null;
			this.element.pause();
		}
	}

	#cancel() {
		clearTimeout(this.timer);
		this.timer = 0;
	}

	/** latency tells how much before the clock is there an element must be started with all others, in seconds. */
	latency() {
		return habit[this.kind].start;
	}

	/** begin starts the element, which is where it is to be. */
	begin(rate) {
		const e = this.element;
		this.#cancel();
		this.on = true;
		this.factor = 1;
		this.begunBy = this.habit;
		this.dry = undefined;
		this.begun = performance.now() / 1000;
		this.begunFrom = e.currentTime;
		this.placed = null;
		this.steady = false;
		if (e.playbackRate !== rate) e.playbackRate = rate;
		e.play().catch((err) => {
			if (err.name === "NotAllowedError") this.c.refused();
		});
	}

	/**
	 * follow keeps the element with the clock while it runs. Called many times a
	 * second. Returns whether the clock may run on: false when what there is to play
	 * is not here yet.
	 * @param {number} t the clock
	 * @param {number} rate the clock's
	 * @param {object} phase
	 * @param {boolean} phase.fresh all have just begun
	 * @param {boolean} phase.hold pictures do not begin yet
	 */
	follow(t, rate, { fresh, hold }) {
		this.habit = fresh ? "start" : "join";
		this.clockTime = t;
		const e = this.element, now = performance.now() / 1000;
		// The clock starts a little before what was aimed at, of which nothing need be
		// here; and an element may still be where the clock was, or where it will be.
		const at = Math.max(t, this.aimed);
		if (!this.buffer.around(at) && !(this.on && this.buffer.around(e.currentTime) && Math.abs(e.currentTime - t) < far.audio)) {
			this.halt();
			if (!this.covered(at)) return false;
			this.#await(t);
			if (this.placed !== null) this.#beginIn((this.placed - t) / rate, rate);
			return true;
		}
		if (this.on && e.paused) this.on = false; // by the browser: a tab that is not seen, a device that went
		if (this.on) this.#steer(t, rate, now);
		else if (!hold || this.kind === "audio") this.#join(t, rate);
		return true;
	}

	/** join gets an element going while the clock runs: it is put a little ahead and started when the clock is there. */
	#join(t, rate) {
		const e = this.element, wait = this.placed === null ? NaN : this.placed - t;
		if (!(wait > -late[this.kind] && wait < 5)) {
			// If it came late it takes longer than thought.
			const needs = (habit[this.kind].seek + 0.06) * rate;
			this.lead = wait < 0 ? Math.min(3, Math.max(needs, this.lead * 1.6)) : needs;
			this.#place(t + this.lead);
		} else {
			this.#beginIn(wait / rate, rate);
		}
	}

	/** beginIn starts the element if the clock is there within seconds, as exactly as timers are. */
	#beginIn(seconds, rate) {
		const rest = seconds - habit[this.kind][this.habit] - (this.kind === "video" ? this.late : 0);
		if (rest > 0.06 || this.timer || !this.#settled()) return;
		if (rest < 0.004 || document.hidden) return this.begin(rate);
		this.timer = setTimeout(() => this.begin(rate), rest * 1000);
	}

	#steer(t, rate, now) {
		const e = this.element;
		if (e.seeking) return;
		if (e.readyState < 3 && this.kind === "audio") {
			// Where its media ends it just stops. Otherwise it ran dry, for the machine is
			// busy or the device was changed: where all do, the clock waits.
			const r = this.buffer.around(e.currentTime);
			if (r && r[1] - e.currentTime > 0.5) this.dry ??= now;
			if (now - this.dry > 2) this.#restart(t, rate, now);
			return;
		}
		this.dry = undefined;
		const error = this.#ahead(t, rate);
		if (!this.steady) {
			if (e.currentTime <= this.begunFrom + 0.005) {
				if (now - this.begun > 1.5) this.#restart(t, rate, now);
				return;
			}
			learn(this.kind, this.begunBy, (now - this.begun) - (e.currentTime - this.begunFrom) / rate);
			this.steady = true;
			this.steadied = now;
		}
		// The clock takes over the common delay of sounds that have just begun.
		if (this.kind === "audio" && now - this.steadied < 0.15) return;
		const off = Math.abs(error) > far[this.kind] * Math.max(1, rate);
		if (off && this.#restart(t, rate, now)) return;
		if (!off && now - this.restarted > 5) this.restarts = 0;
		const factor = trim(this.kind, error, this.factor, rate);
		const speed = rate * factor;
		this.factor = factor;
		if (Math.abs(e.playbackRate - speed) > 0.004) e.playbackRate = speed;
	}

	/**
	 * restart puts an element right that is far from the clock. If that does not help,
	 * for the machine cannot keep up, it is done ever more rarely: seeking costs more
	 * than playing. Returns whether it was done.
	 */
	#restart(t, rate, now) {
		if (now - this.restarted < 0.8 * 2 ** Math.min(4, this.restarts)) return false;
		this.restarted = now;
		this.restarts++;
		const at = this.element.currentTime;
		this.halt();
		// What is ahead need only wait.
		if (at > t && at < t + 2) this.placed = at;
		this.#join(t, rate);
		return true;
	}

	/** ahead tells how far what is heard or seen is ahead of the clock. */
	#ahead(t, rate) {
		return this.element.currentTime - t + (this.kind === "audio" ? stretch(rate) : -this.late);
	}

	/** How far a playing sound is from the clock, or null if it cannot tell yet. */
	heard(t, rate) {
		const e = this.element;
		if (!this.on || !this.steady || e.paused || e.seeking || e.readyState < 3) return null;
		return this.#ahead(t, rate);
	}

	/**
	 * watch learns from each picture how much later than the element says it is seen:
	 * what comes after the decoder takes a frame of the screen or two.
	 */
	#watch() {
		this.element.requestVideoFrameCallback?.((_, shown) => {
			if (this.listening.signal.aborted) return;
			const late = this.c.clock(shown.expectedDisplayTime / 1000) - shown.mediaTime;
			const settled = this.on && this.steady && performance.now() / 1000 - this.begun > 0.3;
			if (settled && Math.abs(late) < 0.15) this.late = Math.min(0.06, Math.max(0, this.late + (late - seen) * 0.05));
			this.#watch();
		});
	}

	/** tidy removes what is long past, and makes room where there is none. */
	tidy() {
		if (this.buffer.full) {
			this.buffer.kick();
			if (this.buffer.full && !this.covered(this.clockTime)) this.#anew();
			return;
		}
		const start = this.buffer.ranges[0]?.[0];
		if (start === undefined || this.clockTime - start < untidy || !this.buffer.idle) return;
		const span = this.#cuttable(this.clockTime - behind);
		if (span) this.buffer.remove(...span);
	}

	/**
	 * cuttable returns what may go of what is before t, or null. Only whole segments
	 * of sound go, and pictures up to the first key frame of a segment, so that first
	 * still tells what is here.
	 */
	#cuttable(t) {
		const i = this.#from(t), start = this.buffer.ranges[0]?.[0];
		const until = this.kind === "audio" ? this.recording.segments[i]?.from : this.recording.firstKey(i, this.uid) - 0.002;
		if (start === undefined || !(until > start && until <= t)) return null;
		this.first = Math.max(this.first, Math.min(i, this.done));
		return [0, until];
	}

	/**
	 * spoil starts again after media that the browser choked on, without the segment
	 * that did it: i, or if the decoder did not say, about where it plays.
	 */
	#spoil(text, i = null) {
		i ??= this.recording.segmentAt(this.element.currentTime);
		while (this.spoilt.has(i)) i++;
		this.spoilt.add(i);
		this.#cancel();
		this.on = false;
		this.placed = null;
		this.buffer.close();
		this.held.clear();
		this.#open();
		this.#anew();
		this.c.broken(text);
	}
}
