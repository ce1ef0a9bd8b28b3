/** An element that is no later than this may begin where it is, in seconds. */
const startLate = { audio: 0.02, video: 0.4 };

/** How far ahead of the clock pictures are put that are to begin with the sound, in seconds. */
const pictureLead = 0.03;

/** An element is where it was put if it is as near as this, in seconds. */
const placeSlack = 0.004;

/** How soon before its media an element is made ready to begin, in seconds. */
const readySoon = 4;

/** Browsers do not get ready for media as short as this, and only little for some more, in seconds. */
const tooShort = 0.4, short = 0.5;

/** How long before its time an element is put on a timer, and how exact that is, in seconds. */
const timerFrom = 0.06, timerSlack = 0.004;

/**
 * A Starter puts an element where the clock will be, and starts it when the clock is
 * there. Times of the machine are in seconds.
 */
export class Starter {
	/** play was called, and nothing stopped it since. */
	playing = false;
	/** The browser took that call: if the element is paused now, somebody else did it. */
	#taken = false;
	/** @type {number|null} where the element was put, to wait for the clock */
	placed = null;
	/** @type {"start"|"join"} it would begin with all others, or while they play */
	startsBy = "start";
	/** @type {"start"|"join"} how it began, when, and where it was then */
	startedBy = "start";
	startedAt = 0;
	startedFrom = 0;
	#placedAt = 0;
	/** How far ahead of the clock it was put to begin there. */
	#joinLead = 0;
	/** @type {ReturnType<typeof setTimeout>|undefined} starts the element */
	#timer;
	#element;
	#kind;
	#media;
	#config;

	/**
	 * @param {HTMLMediaElement} element
	 * @param {"audio"|"video"} kind
	 * @param {import("./track_media.js").TrackMedia} media
	 * @param {object} config
	 * @param {import("./start_delays.js").StartDelays} config.delays
	 * @param {() => number} config.outputDelay how much later than the element says it is seen or heard, in seconds
	 * @param {() => void} config.started
	 * @param {() => void} config.refused the browser wants a click before there is sound
	 */
	constructor(element, kind, media, config) {
		this.#element = element;
		this.#kind = kind;
		this.#media = media;
		this.#config = config;
	}

	/**
	 * prepare puts the element at t, where there are media. Returns whether it is ready.
	 * @param {number} t
	 * @param {number} rate at which it is to play, 0 if it is not
	 */
	prepare(t, rate) {
		const off = this.#element.currentTime - t, lead = this.#kind === "video" ? pictureLead * rate : 0;
		if (this.placed === null || off < -placeSlack || off > lead + placeSlack) {
			this.#place(this.#media.around(t + lead) ? t + lead : t);
		}
		return this.#ready();
	}

	/** Whether the element can play from where it is. */
	#ready() {
		const e = this.#element, range = this.#media.around(e.currentTime);
		const rest = range ? range[1] - e.currentTime : 0;
		// Nobody need wait for it.
		if (range && rest < tooShort && this.#media.covered(range[1] + 0.1)) return true;
		if (e.seeking) return false;
		const little = this.#kind === "video" || !range || rest < short;
		return e.readyState >= (little ? e.HAVE_CURRENT_DATA : e.HAVE_FUTURE_DATA);
	}

	/**
	 * awaitNext makes the element ready for what comes next after t, if that is soon.
	 * @param {number} t
	 */
	awaitNext(t) {
		const next = this.#media.after(t);
		if (next === null || next > t + readySoon) return;
		if (this.placed === null || Math.abs(this.placed - next) > 0.002) this.#place(next);
	}

	/** @param {number} t */
	#place(t) {
		this.#cancel();
		if (this.#element.seeking && this.placed !== null && Math.abs(this.placed - t) < 0.001) return;
		this.placed = t;
		this.#placedAt = performance.now() / 1000;
		this.#element.currentTime = t;
	}

	/** seeked takes it that the element is where it was put. */
	seeked() {
		if (this.placed === null) return;
		this.#config.delays.learn(this.#kind, "seek", performance.now() / 1000 - this.#placedAt);
	}

	/** halt stops the element where it is. */
	halt() {
		if (!this.playing) return this.#cancel();
		this.forget();
		this.#element.pause();
	}

	/**
	 * stopped reports whether somebody else paused the element: the browser, a headset,
	 * a telephone call. What has come to its end is not meant.
	 */
	get stopped() { return this.playing && this.#taken && this.#element.paused && !this.#element.ended; }

	/** forget takes it that the element is not where it was. */
	forget() {
		this.#cancel();
		this.playing = this.#taken = false;
		this.placed = null;
	}

	#cancel() {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	/** @param {number} rate */
	#start(rate) {
		const e = this.#element;
		this.#cancel();
		if (e.ended) return;
		this.playing = true;
		this.startedBy = this.startsBy;
		this.startedAt = performance.now() / 1000;
		this.startedFrom = e.currentTime;
		this.placed = null;
		this.#config.started();
		if (e.playbackRate !== rate) e.playbackRate = rate;
		e.play().catch((err) => {
			if (err.name === "NotAllowedError") this.#config.refused();
		});
		this.#taken = !e.paused;
	}

	/**
	 * join gets an element going while the clock runs: it is put a little ahead and
	 * started when the clock is there.
	 * @param {number} t
	 * @param {number} rate
	 */
	join(t, rate) {
		const wait = this.placed === null ? NaN : this.placed - t;
		if (wait > -startLate[this.#kind] && wait < 5) return this.startIn(wait / rate, rate);
		// If it came late it takes longer than thought.
		const needs = (this.#config.delays.of(this.#kind, "seek") + this.#config.outputDelay() + 0.06) * rate;
		this.#joinLead = wait < 0 ? Math.min(3, Math.max(needs, this.#joinLead * 1.6)) : needs;
		this.#place(t + this.#joinLead);
	}

	/**
	 * startIn starts the element if the clock is there within seconds, as exactly as
	 * timers are.
	 * @param {number} seconds
	 * @param {number} rate
	 */
	startIn(seconds, rate) {
		if (this.#element.ended) return; // playing it would begin at its beginning
		const rest = seconds - this.#config.delays.of(this.#kind, this.startsBy) - this.#config.outputDelay();
		if (rest > timerFrom || this.#timer !== undefined || !this.#ready()) return;
		if (rest < timerSlack || document.hidden) return this.#start(rate);
		this.#timer = setTimeout(() => this.#start(rate), rest * 1000);
	}
}
