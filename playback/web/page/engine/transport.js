import { Gathering, stocked } from "./gathering.js";
import { after } from "./phase.js";
import { Silences } from "./silences.js";
import { Sync } from "./sync.js";
import { Ticker } from "./ticker.js";

/** Milliseconds between ticks: while it plays, just after it began to play, and while it is paused. */
const tickMs = 40, fastTickMs = 10, idleTickMs = 200;

/** Milliseconds between events of the time, plans for fetching, and tidying of buffers. */
const timeMs = 90, planMs = 250, tidyMs = 500;

/** A shorter rest of a silence is not skipped, in seconds. */
const leastSkip = 1;

/** What is seen at the very end, where there are no media, is what was just before it, in seconds. */
const beforeEnd = 0.05;

/** This near to the end counts as the end, in seconds: for the clock, and when play is called. */
const endSlack = 0.02, replaySlack = 0.05;

/**
 * A Transport plays, pauses and seeks. It has the phase, and makes the tracks and the
 * clock follow it. It needs no page, so that tests can give it tracks of their own.
 */
export class Transport {
	/** @type {import("./phase.js").Phase} */
	#phase = "paused";
	/** Not all tracks show the place of the last seek yet. Used while paused; otherwise the phase says it. */
	#seeking = true;
	/** It played to the end: the elements are there. */
	#ranOut = false;
	#closed = false;
	#skipSilence = false;
	/** The time of the last seek. No earlier time is shown. */
	#sought = 0;
	/** How many tracks were not ready while paused. */
	#lateCount = 0;
	#tickIsDue = false;
	#planIsDue = false;
	/** When the last event of the time, plan and tidying were, by the machine's time in milliseconds. */
	#last = { time: 0, plan: 0, tidy: 0 };
	#gathering = new Gathering();
	#ticker = new Ticker(() => this.#tick());
	#recording;
	#tracks;
	#clock;
	#emit;
	#silences;
	#sync;

	/**
	 * @param {object} config
	 * @param {import("./recording.js").Recording} config.recording
	 * @param {Pick<import("./tracks.js").Tracks, "all"|"plan">} config.tracks
	 * @param {import("./clock.js").Clock} config.clock
	 * @param {(change: "time"|"state") => void} config.emit
	 */
	constructor({ recording, tracks, clock, emit }) {
		this.#recording = recording;
		this.#tracks = tracks;
		this.#clock = clock;
		this.#emit = emit;
		this.#silences = new Silences(recording);
		this.#sync = new Sync(clock);
	}

	/**
	 * begin moves to t, paused, and begins to fetch the media there.
	 * @param {number} t
	 */
	begin(t) {
		this.#ticker.every(idleTickMs);
		this.#jump(t);
		this.#plan();
	}

	get phase() { return this.#phase; }
	/** Where it is, in seconds on the recording clock. */
	get time() { return Math.min(Math.max(this.#sought, this.#clock.time), this.#recording.duration); }
	/** It does not play and is not about to, or it is at the end. */
	get paused() { return this.#phase === "paused" || this.#phase === "ended"; }
	/** What is to be seen and heard there: at the very end there is nothing. */
	get #shown() {
		const t = this.#clock.time, { duration } = this.#recording, atEnd = this.paused && !this.#ranOut && t > duration - endSlack;
		return atEnd ? Math.max(0, duration - beforeEnd) : t;
	}
	/** It is about to play, or to show the place of a seek, and waits for media. */
	get waiting() { return this.#phase === "gathering" || this.#phase === "starved" || this.#phase === "paused" && this.#seeking; }
	/** From 0.5 to 3. */
	get rate() { return this.#clock.rate; }
	set rate(rate) {
		this.#clock.setRate(Math.min(3, Math.max(0.5, Number(rate) || 1)));
		this.#sync.paceChanged(performance.now() / 1000);
		this.#emit("state");
		this.schedule();
	}

	/** Whether it jumps over spans in which nobody speaks. */
	get skipSilence() { return this.#skipSilence; }
	set skipSilence(on) {
		this.#skipSilence = !!on;
		this.#emit("state");
	}

	play() {
		if (!this.paused || this.#closed) return;
		if (this.time >= this.#recording.duration - replaySlack && !this.#recording.live) this.#jump(0);
		this.#move("play");
		this.#gathering.restart();
		this.#ticker.every(tickMs);
		this.#emit("state");
		this.#tick();
	}

	pause() {
		if (this.paused) return;
		this.#move("pause");
		this.#seeking = false;
		this.#clock.set(this.time);
		this.#halt();
		this.#ticker.every(idleTickMs);
		this.#emit("state");
		this.#tick();
	}

	/**
	 * seek moves to t. Sound and pictures follow as soon as they are there.
	 * @param {number} t
	 */
	seek(t) {
		if (this.#closed) return;
		this.#jump(Math.min(Math.max(0, Number(t) || 0), this.#recording.duration));
		this.#emit("time");
		this.#emit("state");
	}

	/** grown is called when the recording has grown. */
	grown() {
		this.#silences.refresh();
		this.schedule(true);
	}

	/** close stops for good. */
	close() {
		this.#halt();
		this.#closed = true;
		this.#ticker.close();
	}

	/** @param {import("./phase.js").Move} move */
	#move(move) {
		this.#phase = after(this.#phase, move);
	}

	/** @param {number} t */
	#jump(t) {
		this.#move("seek");
		this.#seeking = true;
		this.#ranOut = false;
		this.#clock.stop();
		this.#clock.set(t);
		this.#sought = t;
		this.#gathering.restart();
		for (const p of this.#tracks.all()) p.aim(this.#shown);
		this.schedule(true);
	}

	/** halt stops the clock and all elements where they are. */
	#halt() {
		this.#clock.stop();
		for (const p of this.#tracks.all()) p.halt();
	}

	/**
	 * schedule ticks soon, once for all calls until then. It does not tick before those who
	 * heard of a seek have said which pictures they show, so that sound and pictures are
	 * fetched together.
	 * @param {boolean} [plan] whether to plan what to fetch, too
	 */
	schedule(plan = false) {
		this.#planIsDue ||= plan;
		if (this.#tickIsDue || this.#closed) return;
		this.#tickIsDue = true;
		queueMicrotask(() => {
			this.#tickIsDue = false;
			this.#tick();
		});
	}

	#plan() {
		if (this.#closed) return;
		this.#last.plan = performance.now();
		this.#planIsDue = false;
		this.#tracks.plan(this.#shown, this.rate, (from, to) => {
			const silence = this.#skipSilence ? this.#silences.first(from, to) : null;
			return silence && silence[0] > from ? silence : null;
		});
	}

	#tick() {
		if (this.#closed) return;
		const now = performance.now();
		if (this.#planIsDue || now - this.#last.plan > planMs) this.#plan();
		if (now - this.#last.tidy > tidyMs) {
			this.#last.tidy = now;
			for (const p of this.#tracks.all()) p.media.tidy();
		}
		if (this.#phase === "playing") this.#run(performance.now() / 1000);
		else this.#gather(now / 1000);
		if (this.#phase === "playing" && now - this.#last.time > timeMs) {
			this.#last.time = now;
			this.#emit("time");
		}
	}

	/**
	 * gather moves all elements to the clock's time, and starts them once they are there.
	 * @param {number} now
	 */
	#gather(now) {
		const t = this.#clock.time, tracks = this.#tracks.all();
		if (this.paused) return this.#settle(tracks, this.#shown, now);
		if (t >= this.#recording.duration - endSlack) return this.#end();
		if (this.#skip(t)) return;
		const { late, ready } = this.#gathering.look(tracks, t, this.rate, now);
		if (!ready || this.#phase === "starved" && !stocked(tracks, this.#recording, t, this.rate)) return;
		this.#sought = t;
		this.#sync.start(tracks, late, t, now);
		this.#move("start");
		this.#seeking = false;
		this.#ticker.every(fastTickMs);
		this.#run(performance.now() / 1000);
		this.#emit("state");
	}

	/**
	 * settle shows the place of a seek while paused.
	 * @param {import("./track_player.js").TrackPlayer[]} tracks
	 * @param {number} t
	 * @param {number} now
	 */
	#settle(tracks, t, now) {
		const { late, ready } = this.#gathering.look(tracks, t, 0, now);
		const changed = this.#seeking && ready || late.length !== this.#lateCount;
		if (ready) this.#seeking = false;
		this.#lateCount = late.length;
		if (changed) this.#emit("state");
	}

	/**
	 * run keeps all elements to the clock.
	 * @param {number} now
	 */
	#run(now) {
		const t = this.#clock.time;
		if (t >= this.#recording.duration) return this.#end();
		if (this.#skip(t)) return;
		if (!this.#sync.fresh(now)) this.#ticker.every(tickMs);
		if (this.#sync.follow(this.#tracks.all(), this.time, now)) return;
		this.#starve();
	}

	#starve() {
		this.#move("starve");
		this.#gathering.restart();
		this.#halt();
		this.#emit("state");
	}

	/**
	 * skip jumps over the silence at t, if silences are skipped. Returns whether it did.
	 * @param {number} t
	 */
	#skip(t) {
		const silence = this.#skipSilence ? this.#silences.first(t, t) : null;
		if (!silence || silence[1] - t < leastSkip) return false;
		this.seek(silence[1]);
		return true;
	}

	/** end stops at the end. If the recording goes on, it waits for more. */
	#end() {
		if (this.#phase === "starved" && this.#recording.live) return;
		const played = this.#phase === "playing";
		this.#move(this.#recording.live ? "starve" : "end");
		this.#seeking = false;
		this.#halt();
		this.#ranOut = played;
		if (played) this.#clock.set(this.#recording.duration);
		if (this.#phase === "ended") this.#ticker.every(idleTickMs);
		this.#emit("time");
		this.#emit("state");
	}
}
