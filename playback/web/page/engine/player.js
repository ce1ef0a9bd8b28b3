import { Clock } from "./clock.js";
import { Leveller } from "./leveller.js";
import { Live } from "./live.js";
import { Mixer } from "./mixer.js";
import { stateOf } from "./state.js";
import { Tracks } from "./tracks.js";
import { Transport } from "./transport.js";

/** How far behind the newest it is still live, and where goLive goes, in seconds. */
const liveWithin = 15, liveBehind = 10;

/** What is seen at the very end is what was just before it, in seconds. */
const beforeEnd = 0.05;

/**
 * @typedef {"time"|"state"|"tracks"|"spans"|"update"} Change
 *
 * @callback Saver makes a file of a part of the recording, and has the browser save it
 * @param {{ format: string, begin: number, end: number, people: string[] }} excerpt an end of 0 is the recording's; no people are all
 * @param {(bytes: number) => void} tell how much there is
 * @returns {Promise<void>}
 */

/**
 * A Player plays a recording: one element for each track that has media about now,
 * all kept to one clock. It has no look; who shows it mounts the elements of
 * pictures that are to be seen, and is told of changes by events:
 *
 *   time    about ten times a second while it plays, and after a seek
 *   state   its phase, rate or volume, or a track's state
 *   tracks  an element began or ceased to have media
 *   spans   a span turned out to be locked or to fail its verification
 *   update  the recording grew
 *   error   detail.why, a word of source.js
 */
export class Player extends EventTarget {
	/** @type {Saver|null} what makes files of the recording, where no server does */
	saver = null;
	#destroyed = false;
	#over = new AbortController();
	#clock = new Clock();
	#mixer = new Mixer();
	#leveller = new Leveller();
	#onVisibility = () => this.#transport.schedule(true);
	#tracks;
	#transport;
	#live;

	/**
	 * @param {object} config
	 * @param {import("./recording.js").Recording} config.recording
	 * @param {import("./source.js").Source} config.source where its media come from
	 * @param {number} [config.at] where it begins, in seconds
	 */
	constructor({ recording, source, at = 0 }) {
		super();
		this.recording = recording;
		at = Math.min(Math.max(0, at), recording.duration);
		this.#tracks = new Tracks({
			recording, source, clock: this.#clock,
			schedule: (plan) => this.#transport.schedule(plan), emit: (change) => this.#emit(change),
			opened: (p) => this.#opened(p), soundDelay: (e) => this.#leveller.delayOf(e), refused: () => this.#refused(), stopped: () => this.pause(),
		});
		this.#transport = new Transport({
			recording, tracks: this.#tracks, clock: this.#clock, emit: (change) => this.#emit(change),
		});
		this.#live = new Live({
			recording, source, grown: () => this.#grown(), trouble: (why) => this.#emit("error", { why }),
		});
		document.addEventListener("visibilitychange", this.#onVisibility);
		// What is likely to be shown is fetched while the page is still being built.
		this.#tracks.guess(Math.max(0, Math.min(at, recording.duration - beforeEnd)));
		this.#transport.begin(at);
	}

	get phase() { return this.#transport.phase; }
	/** Where it is, in seconds on the recording clock. */
	get time() { return this.#transport.time; }
	get duration() { return this.recording.duration; }
	/** Nobody wants it to play, or it has come to the end. */
	get paused() { return this.#transport.paused; }
	/** Wants to play, or to show what was sought, and what is needed is not there. */
	get waiting() { return this.#transport.waiting; }
	get ended() { return this.phase === "ended"; }
	get live() { return this.recording.live; }
	/** over is aborted once it is destroyed: for who listens to what is there longer. */
	get over() { return this.#over.signal; }
	/** Pictures are seen, and move. */
	get pictured() {
		return !this.paused && [...this.#tracks.shown].some((uid) => ["playing", "waiting"].includes(this.state(uid).state));
	}
	/** Why it waits, if the store does not answer; else "". */
	get trouble() { return this.#tracks.trouble; }

	/** From 0.5 to 3. */
	get rate() { return this.#transport.rate; }
	set rate(rate) { this.#transport.rate = rate; }

	/** Whether it jumps over spans in which nobody speaks. */
	get skipSilence() { return this.#transport.skipSilence; }
	set skipSilence(on) { this.#transport.skipSilence = on; }

	/** From 0 to 1, of all sound. */
	get volume() { return this.#mixer.volume; }
	set volume(volume) {
		this.#mixer.volume = volume;
		this.#setVolumes();
	}
	/** Whether all speakers are equally loud, where the browser can do that. */
	get levelled() { return this.#leveller.on; }
	set levelled(on) {
		this.#leveller.on = !!on;
		if (!this.paused) this.#leveller.wake();
		this.#emit("state");
	}

	get muted() { return this.#mixer.muted; }
	set muted(on) {
		this.#mixer.muted = !!on;
		this.#setVolumes();
	}

	/**
	 * setVolume sets how loud one participant is, from 0 to 1.
	 * @param {string} participant
	 * @param {number} volume
	 */
	setVolume(participant, volume) {
		this.#mixer.setVolume(participant, volume);
		this.#setVolumes();
	}
	/** @param {string} participant */
	volumeOf(participant) { return this.#mixer.volumeOf(participant); }

	play() {
		this.#leveller.wake();
		this.#transport.play();
	}

	pause() {
		this.#transport.pause();
	}

	/**
	 * seek goes to t; sound and pictures of it come as soon as they are there.
	 * @param {number} t
	 */
	seek(t) {
		this.#transport.seek(t);
	}

	/** goLive seeks to what is newest, and plays. */
	goLive() {
		this.seek(Math.max(0, this.duration - liveBehind));
		this.play();
	}

	/** atLive says whether it plays what is newest of a recording that goes on. */
	atLive() {
		return this.live && this.time > this.duration - liveWithin;
	}

	/**
	 * show says which tracks' pictures are seen. No others are fetched.
	 * @param {Iterable<string>} uids
	 */
	show(uids) {
		this.#tracks.shown = new Set(uids);
		this.#transport.schedule(true);
	}

	/**
	 * moved takes it that the elements of pictures were put elsewhere in a document, which
	 * stops them, or into one that is seen while the page is hidden.
	 * @param {boolean} apart whether they are in such a document
	 */
	moved(apart) {
		this.#tracks.apart = apart;
		this.#transport.seek(this.time);
	}

	/**
	 * element returns the element of a track, always the same one.
	 * @param {string} uid
	 */
	element(uid) {
		return this.#tracks.element(uid);
	}

	/** elements returns all elements that have media about now, by UID. */
	elements() {
		return new Map(this.#tracks.all().map((p) => [p.uid, p.element]));
	}

	/** What can be played at once, about the present time. */
	get buffered() {
		return this.#tracks.buffered(this.time);
	}

	/**
	 * state tells what of a track can be seen or heard now.
	 * @param {string} uid
	 */
	state(uid) {
		const t = Math.min(this.time, this.duration - beforeEnd), p = this.#tracks.open.get(uid);
		return stateOf(this.recording, uid, t, {
			there: !!p?.media.around(t), covered: p ? p.media.covered(t) : !this.waiting, unsupported: this.#tracks.unsupported.has(uid),
			broken: p?.media.spoils(t) ? this.#tracks.broken.get(uid) ?? "" : "", paused: this.paused, waiting: this.waiting,
		});
	}

	/**
	 * on calls back at each of the changes.
	 * @param {Change[]} changes
	 * @param {() => void} f
	 */
	on(changes, f) {
		for (const change of changes) this.addEventListener(change, f);
	}

	/** destroy ends it, and all that it holds of the browser's. */
	destroy() {
		if (this.#destroyed) return;
		this.#destroyed = true;
		this.#live.close();
		this.#transport.close();
		this.#tracks.close();
		this.#leveller.close();
		document.removeEventListener("visibilitychange", this.#onVisibility);
		this.#over.abort();
	}

	/**
	 * @param {Change|"error"} type
	 * @param {object} [detail]
	 */
	#emit(type, detail = {}) {
		if (!this.#destroyed) this.dispatchEvent(new CustomEvent(type, { detail }));
	}

	#setVolumes() {
		for (const p of this.#tracks.all()) this.#setVolumeOf(p);
		this.#emit("state");
	}

	/** @param {import("./track_player.js").TrackPlayer} p */
	#opened(p) {
		if (p.kind === "audio") this.#leveller.add(p.element);
		this.#setVolumeOf(p);
	}

	/** @param {import("./track_player.js").TrackPlayer} p */
	#setVolumeOf(p) {
		if (p.kind !== "audio") return;
		p.element.muted = this.#mixer.muted;
		this.#leveller.setVolume(p.element, this.#mixer.heard(this.recording.track(p.uid)?.participant));
	}

	#grown() {
		this.#tracks.check();
		this.#transport.grown();
		this.#emit("update");
	}

	#refused() {
		if (this.paused) return;
		this.pause();
		this.#emit("error", { why: "click" });
	}
}
