/**
 * The player: one element for each track that has media about now, all kept to one
 * clock. It has no look; the page mounts the elements of pictures that it wants to
 * be seen and is told of changes by events:
 *
 *   time    about ten times a second while it plays, and after a seek
 *   state   playing, paused, waiting, ended, rate, volume, or a track's state
 *   tracks  an element began or ceased to have media
 *   spans   a span turned out to be locked or to fail its verification
 *   update  the recording grew
 *   error   detail.text, for people
 */
import { Clock } from "./clock.js";
import { Live } from "./live.js";
import * as spans from "./spans.js";
import { stateOf } from "./state.js";
import { Ticker } from "./tick.js";
import { Tracks } from "./tracks.js";

/** How long pictures may keep the sound waiting, in seconds; and a sound that does not get ready the others. */
const picturePatience = 0.8, soundPatience = 2.5;

/** How often all is looked after, in milliseconds: while it plays, just after it began, and while it does not. */
const steady = 40, brisk = 10, idle = 200;

/** How much must be there to go on after it was not, in seconds of real time. */
const enough = 1;

export class Player extends EventTarget {
	#clock = new Clock();
	#tracks;
	#ticker;
	#live;
	#seen = () => this.#poke(true);
	#volumes = new Map();
	#paused = true;
	#waiting = false;
	#ended = false;
	#destroyed = false;
	#volume = 1;
	#muted = false;
	#silences = null;
	#soon = false;
	#unplanned = false;
	#told = { time: 0, plan: 0, tidy: 0 };
	#aimed = 0; // what was sought last: no earlier time is told
	#started = 0; // when the clock did, by the machine's time in seconds
	#paced = 0; // when it did, or changed its pace
	#heard; // when the first sound was heard after that
	#soundReady = null; // since when only pictures, if any, are waited for
	#starved = false; // it stopped because something was not there
	#late = 0; // how many tracks were not ready
	#last = 0; // the clock, when last looked at

	/**
	 * @param {object} c
	 * @param {import("./model.js").Recording} c.recording
	 * @param {import("./api.js").API} c.api
	 * @param {number} [c.at] where it begins, in seconds
	 */
	constructor({ recording, api, at = 0 }) {
		super();
		this.recording = recording;
		this.api = api;
		this.skipSilence = false;
		at = Math.min(Math.max(0, at), recording.duration);
		this.#tracks = new Tracks({
			recording, api, clock: this.#clock, poke: (plan) => this.#poke(plan), tell: (type) => this.#tell(type),
			opened: (p) => this.#loud(p), refused: () => this.#refused(),
		});
		this.#ticker = new Ticker(() => this.#tick());
		this.#ticker.every(idle);
		this.#live = new Live({ recording, api, grown: () => this.#grown(), trouble: (text) => this.#tell("error", { text }) });
		document.addEventListener("visibilitychange", this.#seen);
		// What is likely to be shown is fetched while the page is still being built.
		this.#tracks.guess(at);
		this.#jump(at);
		this.#plan();
	}

	/** Where it is, in seconds on the recording clock. */
	get time() { return Math.min(Math.max(this.#aimed, this.#clock.time), this.recording.duration); }
	get duration() { return this.recording.duration; }
	get paused() { return this.#paused; }
	/** Wants to play, or to show what was sought, and what is needed is not there. */
	get waiting() { return this.#waiting; }
	get ended() { return this.#ended; }
	get live() { return this.recording.live; }
	/** Why it waits, if the store does not answer; else "". */
	get trouble() { return this.#tracks.trouble; }

	/** From 0.5 to 3. */
	get rate() { return this.#clock.rate; }
	set rate(rate) {
		this.#clock.setRate(Math.min(3, Math.max(0.5, Number(rate) || 1)));
		this.#paced = performance.now() / 1000;
		this.#tell("state");
		this.#poke();
	}

	/** From 0 to 1, of all sound. */
	get volume() { return this.#volume; }
	set volume(v) {
		this.#volume = Math.min(1, Math.max(0, Number(v) || 0));
		this.#sound();
	}
	get muted() { return this.#muted; }
	set muted(on) {
		this.#muted = !!on;
		this.#sound();
	}

	/** setVolume sets how loud one participant is, from 0 to 1. */
	setVolume(participant, v) {
		this.#volumes.set(participant, Math.min(1, Math.max(0, Number(v) || 0)));
		this.#sound();
	}
	volumeOf(participant) { return this.#volumes.get(participant) ?? 1; }

	play() {
		if (!this.#paused || this.#destroyed) return;
		if (this.time >= this.duration - 0.05 && !this.live) this.#jump(0);
		this.#paused = false;
		this.#ended = false;
		this.#waiting = true;
		this.#soundReady = null;
		this.#ticker.every(steady);
		this.#tell("state");
		this.#tick();
	}

	pause() {
		if (this.#paused) return;
		this.#paused = true;
		this.#waiting = false;
		this.#clock.set(this.time);
		this.#clock.stop();
		for (const t of this.#tracks.all()) t.halt();
		this.#ticker.every(idle);
		this.#tell("state");
		this.#tick();
	}

	/** seek goes to t; sound and pictures of it come as soon as they are there. */
	seek(t) {
		if (this.#destroyed) return;
		this.#jump(Math.min(Math.max(0, Number(t) || 0), this.duration));
		this.#tell("time");
		this.#tell("state");
	}

	#jump(t) {
		this.#clock.stop();
		this.#clock.set(t);
		this.#aimed = t;
		this.#ended = false;
		this.#waiting = true;
		this.#soundReady = null;
		for (const p of this.#tracks.all()) p.aim(t);
		this.#poke(true);
	}

	/** show says which tracks' pictures are seen. No others are fetched. */
	show(uids) {
		this.#tracks.shown = new Set(uids);
		this.#poke(true);
	}

	/** element returns the video element of a track, always the same one. */
	element(uid) {
		return this.#tracks.element(uid);
	}

	/** elements returns all elements that have media about now, by UID. For tests that look and listen. */
	elements() {
		return new Map(this.#tracks.all().map((p) => [p.uid, p.element]));
	}

	/** drift tells how far each playing element is from the clock, in seconds. For tests. */
	drift() {
		const t = this.#clock.time;
		return this.#tracks.all().filter((p) => p.on).map((p) => ({
			uid: p.uid, kind: p.kind, error: p.element.currentTime - t, factor: p.factor, steady: p.steady,
		}));
	}

	/** buffered returns what can be played at once, about the present time. */
	get buffered() {
		return this.#tracks.buffered(this.time);
	}

	/**
	 * state tells what of a track can be seen or heard now.
	 * @returns {import("./state.js").State}
	 */
	state(uid) {
		const t = Math.min(this.time, this.duration - 0.05), p = this.#tracks.open.get(uid);
		return stateOf(this.recording, uid, t, {
			there: !!p?.range(t), covered: p ? p.covered(t) : !this.#waiting, unsupported: this.#tracks.unsupported.has(uid),
			broken: p?.spoils(t) ? this.#tracks.broken.get(uid) : "", paused: this.#paused, waiting: this.#waiting,
		});
	}

	/** atLive says whether it plays what is newest of a recording that goes on. */
	atLive() {
		return this.live && this.time > this.duration - 15;
	}

	/** goLive seeks to what is newest, and plays. */
	goLive() {
		this.seek(Math.max(0, this.duration - 10));
		this.play();
	}

	destroy() {
		if (this.#destroyed) return;
		this.#destroyed = true;
		this.#paused = true;
		this.#clock.stop();
		this.#ticker.close();
		this.#live.close();
		document.removeEventListener("visibilitychange", this.#seen);
		this.#tracks.close();
	}

	#tell(type, detail = {}) {
		if (!this.#destroyed) this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	#sound() {
		for (const p of this.#tracks.all()) this.#loud(p);
		this.#tell("state");
	}

	#loud(p) {
		if (p.kind !== "audio") return;
		p.element.muted = this.#muted;
		p.element.volume = this.#volume * this.volumeOf(this.recording.track(p.uid)?.participant);
	}

	#grown() {
		this.#tracks.check();
		this.#silences = null;
		this.#poke(true);
		this.#tell("update");
	}

	/**
	 * poke looks after everything soon, once for many reasons: not before whoever was
	 * told of a seek has said what is to be shown, so that sound and pictures are
	 * fetched together.
	 */
	#poke(plan = false) {
		this.#unplanned ||= plan;
		if (this.#soon || this.#destroyed) return;
		this.#soon = true;
		queueMicrotask(() => {
			this.#soon = false;
			this.#tick();
		});
	}

	#plan() {
		if (this.#destroyed) return;
		this.#told.plan = performance.now();
		this.#unplanned = false;
		this.#tracks.plan(this.#clock.time, this.rate, (from, to) => {
			const silence = this.skipSilence ? this.#silenceIn(from, to) : null;
			return silence && silence[0] > from ? silence : null;
		});
	}

	#refused() {
		if (this.#paused) return;
		this.pause();
		this.#tell("error", { text: "click to play: the browser allows sound only after a click", click: true });
	}

	#tick() {
		if (this.#destroyed) return;
		const now = performance.now();
		if (this.#unplanned || now - this.#told.plan > 250) this.#plan();
		if (now - this.#told.tidy > 500) {
			this.#told.tidy = now;
			for (const p of this.#tracks.all()) p.tidy();
		}
		if (this.#clock.running) this.#run();
		else this.#ready(now / 1000);
		if (this.#clock.running && now - this.#told.time > 90) {
			this.#told.time = now;
			this.#tell("time");
		}
	}

	/** ready gets all elements to where the clock stands, and starts them when they are. */
	#ready(now) {
		const t = this.#clock.time;
		if (!this.#paused && t >= this.duration - 0.02) return this.#end();
		if (!this.#paused && this.skipSilence && this.#skip(t)) return;
		const all = this.#tracks.all();
		const late = all.filter((p) => !p.prepare(t, this.#paused ? 0 : this.rate));
		const sounds = late.filter((p) => p.kind === "audio");
		if (sounds.length > 0 && sounds.some((p) => !p.covered(t))) this.#soundReady = null;
		else this.#soundReady ??= now;
		const patience = sounds.length ? soundPatience : picturePatience;
		const go = late.length === 0 || this.#soundReady !== null && now - this.#soundReady > patience;
		if (this.#paused) {
			const news = this.#waiting && go || late.length !== this.#late;
			if (go) this.#waiting = false;
			this.#late = late.length;
			if (news) this.#tell("state");
			return;
		}
		if (!go || !this.#stocked(t, all)) {
			if (!this.#waiting) {
				this.#waiting = true;
				this.#tell("state");
			}
			return;
		}
		this.#waiting = false;
		// Sound takes a moment to begin. The clock is put back by it, so that pictures,
		// which do not, begin with the sound and not before.
		const first = all.filter((p) => p.range(t) && !late.includes(p));
		const lag = Math.max(0, ...first.map((p) => p.latency()));
		this.#aimed = t;
		this.#last = t - lag * this.rate;
		this.#clock.set(t - lag * this.rate);
		this.#clock.start();
		this.#paced = this.#started = now;
		this.#heard = undefined;
		this.#ticker.every(brisk);
		for (const p of all) p.excused = late.includes(p);
		this.#run();
		this.#tell("state");
	}

	/** After a stop for want of media there must be a little more than nothing. */
	#stocked(t, all) {
		if (!this.#starved) return true;
		const to = Math.min(t + enough * this.rate, this.duration - 0.05);
		if (this.live && this.duration < t + enough) return false;
		if (to > t && !all.every((p) => p.kind === "video" || p.covered(to))) return false;
		this.#starved = false;
		return true;
	}

	/** run keeps all elements with the clock. */
	#run() {
		let t = this.#clock.time;
		if (t >= this.duration) return this.#end();
		if (this.skipSilence && this.#skip(t)) return;
		const all = this.#tracks.all();
		const now = performance.now() / 1000;
		const sounds = all.filter((p) => p.kind === "audio");
		const errors = sounds.map((p) => p.heard(t, this.rate)).filter((e) => e !== null);
		this.#clock.follow(errors, now - this.#paced < 0.6);
		const playing = sounds.filter((p) => p.on);
		if (playing.length > 0 && playing.every((p) => p.dry)) this.#clock.set(this.#last);
		this.#last = t = this.#clock.time;
		// Pictures begin when sound is heard and has got into its stride, which tells
		// what time it really is.
		if (errors.length > 0) this.#heard ??= now;
		const fresh = now - this.#started < 0.5;
		const hold = fresh && sounds.some((p) => p.on || p.range(this.time)) && !(now - this.#heard > 0.07 / this.rate);
		if (now - this.#started > 0.5) this.#ticker.every(steady);
		let missing = false;
		for (const p of all) {
			if (p.follow(t, this.rate, { fresh, hold })) p.excused = false;
			// Pictures that were not waited for come when they come.
			else if (!p.excused) missing = true;
		}
		if (missing) this.#starve();
	}

	#starve() {
		this.#clock.stop();
		this.#starved = this.#waiting = true;
		this.#soundReady = null;
		for (const p of this.#tracks.all()) p.halt();
		this.#tell("state");
	}

	/** skip jumps over a span in which nobody speaks. */
	#skip(t) {
		const silence = this.#silenceIn(t, t);
		if (!silence || silence[1] - t < 1) return false;
		this.seek(silence[1]);
		return true;
	}

	/** silenceIn returns the first span in which nobody speaks that touches [from, to], or null. */
	#silenceIn(from, to) {
		this.#silences ??= this.recording.silences();
		const all = this.#silences, i = Math.max(0, spans.find(all, from));
		return all.slice(i, i + 2).find(([a, b]) => a <= to && b > from) || null;
	}

	/** end: there is no more, or not yet. */
	#end() {
		if (this.#clock.running) {
			this.#clock.stop();
			this.#clock.set(this.duration);
			for (const p of this.#tracks.all()) p.halt();
		}
		if (this.live) {
			if (this.#waiting && this.#starved) return;
			this.#starved = this.#waiting = true;
		} else {
			this.#ended = this.#paused = true;
			this.#waiting = false;
			this.#ticker.every(idle);
		}
		this.#tell("time");
		this.#tell("state");
	}
}
