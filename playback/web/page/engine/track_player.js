import { stretch, trim } from "./clock.js";
import { DisplayDelay } from "./display_delay.js";
import { Starter } from "./starter.js";
import { TrackMedia } from "./track_media.js";

/**
 * Beyond this an element is not drawn to the clock by its speed but put there, in
 * seconds: little for sound, which is drawn too slowly, much for pictures, which are
 * put somewhere at a high cost.
 */
const seekBeyond = { audio: 0.08, video: 0.5 };

/** How long a sound may be dry, and an element not begin, before it is put right, in seconds. */
const dryPatience = 2, startPatience = 1.5;

/** The shortest time between two attempts to put an element right, and when all is well again, in seconds. */
const restartPause = 0.8, restartsForgotten = 5;

/** How long after its start what an element says is not yet true, in seconds: of sounds, of pictures. */
const soundSettles = 0.15, pictureSettles = 0.3;

/**
 * A TrackPlayer keeps one track's element to the clock. What the element plays is
 * for its media to bring. Times of the machine are in seconds.
 */
export class TrackPlayer {
	/** Nobody waits for it: it was not ready when the others began. */
	excused = false;
	/** What the element's speed is of the clock's. */
	#factor = 1;
	/** It moves, since it was started. */
	#steady = false;
	#steadyAt = 0;
	/** What was aimed at last: the clock starts a little before it. */
	#aimed = 0;
	/** @type {number|null} since when it plays and has nothing to play */
	#drySince = null;
	#restartedAt = -Infinity;
	#restarts = 0;
	#listening = new AbortController();
	/** @type {DisplayDelay|null} of pictures */
	#display = null;
	#delays;
	#soundDelay;
	#starter;
	#stopped;

	/**
	 * @param {import("./recording.js").Recording} recording
	 * @param {import("./tracks_of.js").Track} track
	 * @param {HTMLMediaElement} element
	 * @param {object} config
	 * @param {import("./start_delays.js").StartDelays} config.delays
	 * @param {(now: number) => number} config.clockAt the recording time at a time of the machine
	 * @param {() => void} config.changed it may be ready now, or need something
	 * @param {(text: string) => void} config.broken a part cannot be decoded
	 * @param {(element: HTMLMediaElement) => number} config.soundDelay how much later than its element says a sound is heard, in seconds
	 * @param {() => void} config.refused the browser wants a click before there is sound
	 * @param {() => void} config.stopped somebody else paused the element, who means all of them
	 */
	constructor(recording, track, element, { delays, clockAt, changed, broken, soundDelay, refused, stopped }) {
		this.uid = track.uid;
		this.kind = track.kind;
		this.element = element;
		this.media = new TrackMedia(recording.segments, track, element, {
			changed, broken, over: () => !recording.live, restarting: () => this.#starter.forget(),
		});
		this.#delays = delays;
		this.#soundDelay = soundDelay;
		this.#stopped = stopped;
		this.#starter = new Starter(element, track.kind, this.media, {
			delays, refused, outputDelay: () => this.#outputDelay, started: () => this.#started(),
		});
		const { signal } = this.#listening;
		element.addEventListener("seeked", () => {
			this.#starter.seeked();
			changed();
		}, { signal });
		element.addEventListener("pause", () => this.#noticeStop(), { signal });
		element.addEventListener("canplay", changed, { signal });
		element.addEventListener("loadeddata", changed, { signal });
		element.addEventListener("error", () => this.media.spoil(element.error?.message || "the browser cannot decode it"), { signal });
		if (track.kind === "video") {
			const settled = () => this.playing && this.#steady && now() - this.#starter.startedAt > pictureSettles;
			this.#display = new DisplayDelay(/** @type {HTMLVideoElement} */ (element), { clockAt, settled, signal });
		}
	}

	/** close frees the element; it stays, to be used again. */
	close() {
		this.#starter.forget();
		this.#listening.abort();
		this.element.pause();
		this.media.close();
	}

	/** The element was started, and nothing stopped it since. */
	get playing() { return this.#starter.playing; }

	/** It plays and has nothing to play. */
	get dry() { return this.#drySince !== null; }

	/** How much before the clock is there it must be started with all others, in seconds. */
	get startDelay() { return this.#delays.of(this.kind, "start") + (this.kind === "audio" ? this.#outputDelay : 0); }

	/** How much later than the element says it is seen or heard, in seconds of real time. */
	get #outputDelay() { return this.#display?.value ?? this.#soundDelay(this.element); }

	/**
	 * aim makes t the time that is played, or will be.
	 * @param {number} t
	 */
	aim(t) {
		this.#aimed = t;
		this.media.aim(t);
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
		if (this.media.around(t)) return this.#starter.prepare(t, rate);
		if (!this.media.covered(t)) return false;
		this.#starter.awaitNext(t);
		return true;
	}

	/** halt stops the element where it is. */
	halt() {
		if (this.playing) this.#drySince = null;
		this.#starter.halt();
	}

	#started() {
		this.#factor = 1;
		this.#steady = false;
		this.#drySince = null;
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
		const e = this.element, starter = this.#starter;
		starter.startsBy = fresh ? "start" : "join";
		this.media.clockTime = t;
		// The clock starts a little before what was aimed at, of which nothing need be
		// here; and an element may still be where the clock was, or where it will be.
		const at = Math.max(t, this.#aimed);
		const near = this.playing && this.media.around(e.currentTime) && Math.abs(this.#ahead(t, rate)) < seekBeyond.audio;
		if (!this.media.around(at) && !near) {
			this.halt();
			if (!this.media.covered(at)) return false;
			starter.awaitNext(t);
			if (starter.placed !== null) starter.startIn((starter.placed - t) / rate, rate);
			return true;
		}
		if (this.#noticeStop()) return true;
		// It is at the end of its media, a little before the clock is.
		if (this.playing && e.ended) return true;
		if (this.playing && e.paused) starter.forget();
		if (this.playing) this.#steer(t, rate);
		else if (!hold || this.kind === "audio") starter.join(t, rate);
		return true;
	}

	/**
	 * noticeStop reports whether somebody else paused the element, and passes it on.
	 * Browsers pause pictures that are not seen, to save power: that is no wish of anyone's.
	 */
	#noticeStop() {
		if (!this.#starter.stopped) return false;
		// Forgotten at once: it may be seen again before it is looked at next.
		this.#starter.forget();
		if (this.kind === "video" && (document.hidden || !this.element.isConnected)) return false;
		queueMicrotask(() => this.#stopped()); // all tracks are first brought to the same moment
		return true;
	}

	/**
	 * steer draws a playing element to the clock.
	 * @param {number} t
	 * @param {number} rate
	 */
	#steer(t, rate) {
		const e = this.element;
		if (e.seeking) return;
		if (e.readyState < e.HAVE_FUTURE_DATA && this.kind === "audio") return this.#waitWhileDry(t, rate);
		this.#drySince = null;
		const error = this.#ahead(t, rate);
		if (!this.#steady && !this.#begun(t, rate)) return;
		// The clock takes over the common delay of sounds that have just begun.
		if (this.kind === "audio" && now() - this.#steadyAt < soundSettles) return;
		const off = Math.abs(error) > seekBeyond[this.kind] * Math.max(1, rate);
		if (off && this.#restart(t, rate)) return;
		if (!off && now() - this.#restartedAt > restartsForgotten) this.#restarts = 0;
		this.#factor = trim(this.kind, error, this.#factor, rate);
		const speed = rate * this.#factor;
		if (Math.abs(e.playbackRate - speed) > 0.004) e.playbackRate = speed;
	}

	/**
	 * waitWhileDry is for a sound that stands still. Where its media end it just stops.
	 * Otherwise it ran dry, for the machine is busy or the device was changed: where all
	 * do, the clock waits.
	 * @param {number} t
	 * @param {number} rate
	 */
	#waitWhileDry(t, rate) {
		const e = this.element, range = this.media.around(e.currentTime);
		if (range && range[1] - e.currentTime > 0.5) this.#drySince ??= now();
		if (this.#drySince !== null && now() - this.#drySince > dryPatience) this.#restart(t, rate);
	}

	/**
	 * begun reports whether the element moves since it was started, and learns what
	 * that took.
	 * @param {number} t
	 * @param {number} rate
	 */
	#begun(t, rate) {
		const { startedAt, startedBy, startedFrom } = this.#starter;
		const moved = this.element.currentTime - startedFrom, since = now() - startedAt;
		if (moved <= 0.005) {
			if (since > startPatience) this.#restart(t, rate);
			return false;
		}
		this.#delays.learn(this.kind, startedBy, since - moved / rate);
		this.#steady = true;
		this.#steadyAt = now();
		return true;
	}

	/**
	 * restart puts an element right that is far from the clock. If that does not help,
	 * for the machine cannot keep up, it is done ever more rarely: seeking costs more
	 * than playing. Returns whether it was done.
	 * @param {number} t
	 * @param {number} rate
	 */
	#restart(t, rate) {
		if (now() - this.#restartedAt < restartPause * 2 ** Math.min(4, this.#restarts)) return false;
		this.#restartedAt = now();
		this.#restarts++;
		const at = this.element.currentTime;
		this.halt();
		// What is ahead need only wait.
		if (at > t && at < t + 2) this.#starter.placed = at;
		this.#starter.join(t, rate);
		return true;
	}

	/**
	 * ahead tells how far what is heard or seen is ahead of the clock.
	 * @param {number} t
	 * @param {number} rate
	 */
	#ahead(t, rate) {
		// The delay of pictures was measured by the clock, whatever its rate.
		const output = this.#display ? this.#display.value : this.#outputDelay * rate - stretch(rate);
		return this.element.currentTime - t - output;
	}

	/**
	 * heard tells how far a playing sound is ahead of the clock, null if it cannot yet.
	 * @param {number} t
	 * @param {number} rate
	 */
	heard(t, rate) {
		const e = this.element;
		if (!this.playing || !this.#steady || e.paused || e.seeking || e.readyState < e.HAVE_FUTURE_DATA) return null;
		return this.#ahead(t, rate);
	}
}

function now() {
	return performance.now() / 1000;
}
