/**
 * The tracks that have media about now: their elements, and what is fetched for
 * them. All others have neither buffers nor decoders, however many a long meeting
 * had.
 */
import { supported } from "./buffer.js";
import { Feed } from "./feed.js";
import * as spans from "./spans.js";
import { TrackPlayer } from "./track.js";

/** How far ahead is read, in seconds of real time, and how long elements are kept open behind. */
const ahead = 20, linger = 12;

/** How many pictures are fetched before the page says which it shows. */
const likely = 6;

export class Tracks {
	/**
	 * @param {object} c
	 * @param {import("./model.js").Recording} c.recording
	 * @param {import("./api.js").API} c.api
	 * @param {import("./clock.js").Clock} c.clock
	 * @param {(plan: boolean) => void} c.poke something changed, and plan is to be called if so
	 * @param {(type: string) => void} c.tell an event of the player
	 * @param {(p: TrackPlayer) => void} c.opened
	 * @param {() => void} c.refused the browser wants a click before there is sound
	 */
	constructor(c) {
		this.c = c;
		this.recording = c.recording;
		this.open = new Map(); // UID to TrackPlayer
		this.elements = new Map();
		this.shown = new Set();
		this.unsupported = new Set();
		this.broken = new Map(); // UID to what the browser said
		this.trouble = "";
		this.feed = new Feed({
			api: c.api, recording: c.recording,
			give: (uid, i, parts) => {
				this.open.get(uid)?.give(i, parts);
				c.poke(false);
			},
			fail: (i, state) => {
				if (c.recording.fail(i, state)) c.tell("spans");
				c.poke(true);
			},
			trouble: (text) => {
				this.trouble = text;
				c.tell("state");
			},
		});
		this.check();
	}

	/** all returns those that are open. */
	all() {
		return [...this.open.values()];
	}

	/** check finds what the browser has no decoder for. */
	check() {
		for (const t of this.recording.tracks) if (t.mime && !supported(t.mime)) this.unsupported.add(t.uid);
	}

	/** guess shows the pictures that anyone would show at t. */
	guess(t) {
		const there = this.recording.tracks.filter((x) => x.kind === "video" && this.recording.sends(x.uid, t, t + 1));
		const screens = there.filter((x) => x.source === "screen"), others = there.filter((x) => x.source !== "screen");
		this.shown = new Set(screens.concat(others).slice(0, likely).map((x) => x.uid));
	}

	/** element returns the element of a track, always the same one. */
	element(uid) {
		let e = this.elements.get(uid);
		if (e) return e;
		const sound = this.recording.track(uid)?.kind === "audio";
		e = document.createElement(sound ? "audio" : "video");
		e.preload = "auto";
		e.preservesPitch = true;
		if (!sound) {
			e.muted = true; // it has no sound, and may thus play unasked
			e.playsInline = true;
			e.tabIndex = -1;
			e.disablePictureInPicture = true;
		}
		this.elements.set(uid, e);
		return e;
	}

	/** Whether a track is to be open: it has media between, and can be heard or is seen. */
	#wanted(track, from, to) {
		if (this.unsupported.has(track.uid)) return false;
		if (track.kind === "video" && (!this.shown.has(track.uid) || document.hidden)) return false;
		return this.recording.sends(track.uid, from, to);
	}

	/**
	 * plan opens and closes tracks, and says what is to be fetched.
	 * @param {number} t the clock
	 * @param {number} rate
	 * @param {(from: number, to: number) => spans.Span|null} skip what will be jumped over
	 */
	plan(t, rate, skip) {
		const far = t + ahead * Math.max(1, rate), over = skip(t, far);
		const [until, jump] = over || [far, null];
		let changed = false;
		for (const track of this.recording.tracks) {
			const p = this.open.get(track.uid);
			if (!p && (this.#wanted(track, t, far) || jump !== null && this.#wanted(track, jump, jump + 1))) {
				this.#open(track, t);
				changed = true;
			} else if (p && !this.#wanted(track, t - linger, Math.max(far, jump ?? 0))) {
				p.close();
				this.open.delete(track.uid);
				changed = true;
			}
		}
		const wants = new Map();
		const want = (i, uid) => wants.set(i, (wants.get(i) || new Set()).add(uid));
		for (const p of this.open.values()) for (const i of p.lacks(until, jump)) want(i, p.uid);
		// What is played now first, then what its pictures need, then what follows.
		const at = this.recording.segmentAt(t);
		const order = (i) => (i === at ? -1e9 : i < at ? i - 1e6 : i);
		const sorted = [...wants].sort((x, y) => order(x[0]) - order(y[0]));
		this.feed.want(sorted, sorted.filter(([i]) => i <= at).length);
		if (changed) this.c.tell("tracks");
	}

	#open(track, t) {
		const { clock, poke, tell, refused } = this.c;
		const p = new TrackPlayer(this.recording, track, this.element(track.uid), {
			clock: (now) => clock.at(now),
			changed: () => poke(false),
			broken: (text) => {
				this.broken.set(track.uid, text);
				p.excused = true;
				poke(true);
				tell("state");
			},
			refused,
		});
		// Who looks at other pictures while it plays must not have the sound stop.
		p.excused = clock.running && p.kind === "video";
		this.open.set(track.uid, p);
		this.c.opened(p);
		p.aim(t);
	}

	/** buffered returns what can be played at once, about t. */
	buffered(t) {
		const out = [], { segments } = this.recording;
		for (let i = this.recording.segmentAt(t); i >= 0 && i < segments.length && segments[i].from < t + ahead * 3; i++) {
			if (this.all().every((p) => p.covered(segments[i].from + 0.001))) out.push([segments[i].from, segments[i].to]);
		}
		return spans.merge(out);
	}

	close() {
		this.feed.close();
		for (const p of this.open.values()) p.close();
		this.open.clear();
		this.elements.clear();
	}
}
