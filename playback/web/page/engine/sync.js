/** How long after a start tracks count as just begun, in seconds: their delays are then learnt. */
const freshFor = 0.5;

/** How long after a start or a change of rate a common delay of all sounds is no drift, in seconds. */
const settleFor = 0.6;

/** How long sound must be heard before pictures begin with it, in seconds of real time. */
const soundLead = 0.07;

/** Sync keeps all tracks with the clock while it runs. Times of the machine are in seconds. */
export class Sync {
	/** @type {import("./clock.js").Clock} */
	#clock;
	#startedAt = 0;
	/** When it started, or changed its rate. */
	#pacedAt = 0;
	/** @type {number|null} when the first sound was heard after the start */
	#heardAt = null;
	/** The clock's time at the last follow. */
	#lastTime = 0;

	/** @param {import("./clock.js").Clock} clock */
	constructor(clock) {
		this.#clock = clock;
	}

	/**
	 * start starts the clock at t, where all tracks but the late ones are ready.
	 * @param {import("./track_player.js").TrackPlayer[]} tracks
	 * @param {import("./track_player.js").TrackPlayer[]} late
	 * @param {number} t
	 * @param {number} now
	 */
	start(tracks, late, t, now) {
		// Sound takes a moment to begin, and pictures do not. The clock is set back by
		// that moment, so that pictures begin with the sound and not before it.
		const ready = tracks.filter((p) => p.media.around(t) && !late.includes(p));
		const delay = Math.max(0, ...ready.map((p) => p.startDelay));
		this.#lastTime = t - delay * this.#clock.rate;
		this.#clock.set(this.#lastTime);
		this.#clock.start();
		this.#startedAt = this.#pacedAt = now;
		this.#heardAt = null;
		for (const p of tracks) p.excused = late.includes(p);
	}

	/**
	 * paceChanged notes that the clock runs at another rate.
	 * @param {number} now
	 */
	paceChanged(now) {
		this.#pacedAt = now;
	}

	/**
	 * fresh reports whether it has just started.
	 * @param {number} now
	 */
	fresh(now) {
		return now - this.#startedAt < freshFor;
	}

	/**
	 * follow draws the clock to what is heard, and the tracks to the clock. Returns
	 * whether the clock may run on: false when something is missing.
	 * @param {import("./track_player.js").TrackPlayer[]} tracks
	 * @param {number} shown the time that the player shows; it is never before the last seek
	 * @param {number} now
	 */
	follow(tracks, shown, now) {
		const { rate } = this.#clock, started = this.#clock.time;
		const sounds = tracks.filter((p) => p.kind === "audio");
		const errors = sounds.map((p) => p.heard(started, rate)).filter((e) => e !== null);
		this.#clock.follow(errors, now - this.#pacedAt < settleFor);
		const playing = sounds.filter((p) => p.playing);
		if (playing.length > 0 && playing.every((p) => p.dry)) this.#clock.set(this.#lastTime);
		const t = this.#lastTime = this.#clock.time;
		// Pictures begin once sound has been heard for soundLead: only then is it known
		// what time it really is.
		if (errors.length > 0) this.#heardAt ??= now;
		const fresh = this.fresh(now);
		const heardFor = this.#heardAt === null ? 0 : now - this.#heardAt;
		const hold = fresh && sounds.some((p) => p.playing || p.media.around(shown)) && heardFor <= soundLead / rate;
		let complete = true;
		for (const p of tracks) {
			if (p.follow(t, rate, { fresh, hold })) p.excused = false;
			// Nobody waits for an excused track: it begins when it is ready.
			else if (!p.excused) complete = false;
		}
		return complete;
	}
}
