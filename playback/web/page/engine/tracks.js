import { Fetcher } from "./fetcher.js";
import { supported } from "./media_buffer.js";
import * as spans from "./spans.js";
import { StartDelays } from "./start_delays.js";
import { TrackPlayer } from "./track_player.js";

/** How far ahead is read, in seconds of real time, and how long elements are kept open behind. */
const readAhead = 20, keepOpen = 12;

/** How many pictures are fetched before anybody says which are shown. */
const likelyShown = 6;

/**
 * Tracks are those that have media about now: their elements, and what is fetched for
 * them. All others have neither buffers nor decoders, however many a long meeting had.
 */
export class Tracks {
	/** @type {Map<string, TrackPlayer>} by UID */
	open = new Map();
	/** @type {Set<string>} UIDs of the tracks whose pictures are seen */
	shown = new Set();
	/** The pictures are in a window of their own, and seen while the page is hidden. */
	apart = false;
	/** @type {Set<string>} UIDs of the tracks that the browser has no decoder for */
	unsupported = new Set();
	/** @type {Map<string, string>} UID to what the browser said of media that it choked on */
	broken = new Map();
	/** @type {import("./source.js").Why|""} what keeps the source from answering */
	trouble = "";
	/** @type {Map<string, HTMLMediaElement>} by UID */
	#elements = new Map();
	#delays = new StartDelays();
	#config;
	#recording;
	#fetcher;

	/**
	 * @param {object} config
	 * @param {import("./recording.js").Recording} config.recording
	 * @param {import("./source.js").Source} config.source
	 * @param {import("./clock.js").Clock} config.clock
	 * @param {(plan: boolean) => void} config.schedule something changed, and plan is to be called if so
	 * @param {(change: import("./player.js").Change) => void} config.emit
	 * @param {(p: TrackPlayer) => void} config.opened
	 * @param {(element: HTMLMediaElement) => number} config.soundDelay how much later than its element says a sound is heard, in seconds
	 * @param {() => void} config.refused the browser wants a click before there is sound
	 * @param {() => void} config.stopped somebody else paused an element
	 */
	constructor(config) {
		const { recording, source, schedule, emit } = config;
		this.#config = config;
		this.#recording = recording;
		this.#fetcher = new Fetcher({
			source, recording,
			give: (uid, i, parts) => {
				this.open.get(uid)?.media.give(i, parts);
				schedule(false);
			},
			fail: (i, state) => {
				if (recording.segments.fail(i, state)) emit("spans");
				schedule(true);
			},
			trouble: (why) => {
				this.trouble = why;
				emit("state");
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
		for (const t of this.#recording.tracks) if (t.mime && !supported(t.mime)) this.unsupported.add(t.uid);
	}

	/**
	 * guess shows the pictures that anyone would show at t.
	 * @param {number} t
	 */
	guess(t) {
		const there = this.#recording.tracks.filter((x) => x.kind === "video" && this.#recording.segments.sends(x.uid, t, t + 1));
		const screens = there.filter((x) => x.source === "screen"), others = there.filter((x) => x.source !== "screen");
		this.shown = new Set(screens.concat(others).slice(0, likelyShown).map((x) => x.uid));
	}

	/**
	 * element returns the element of a track, always the same one.
	 * @param {string} uid
	 */
	element(uid) {
		let e = this.#elements.get(uid);
		if (!e) {
			const track = this.#recording.track(uid);
			this.#elements.set(uid, e = track?.kind === "audio" ? createAudio() : createVideo());
			if (track?.turned) e.dataset.turned = String(track.turned);
		}
		return e;
	}

	/**
	 * wanted reports whether a track is to be open: it has media between, and can be
	 * heard or is seen.
	 * @param {import("./tracks_of.js").Track} track
	 * @param {number} from
	 * @param {number} to
	 */
	#wanted(track, from, to) {
		if (this.unsupported.has(track.uid)) return false;
		if (track.kind === "video" && (!this.shown.has(track.uid) || document.hidden && !this.apart)) return false;
		return this.#recording.segments.sends(track.uid, from, to);
	}

	/**
	 * plan opens and closes tracks, and says what is to be fetched.
	 * @param {number} t the clock
	 * @param {number} rate
	 * @param {(from: number, to: number) => spans.Span|null} skip what will be jumped over
	 */
	plan(t, rate, skip) {
		const end = t + readAhead * Math.max(1, rate);
		const [until, jump] = skip(t, end) ?? [end, null];
		let changed = false;
		for (const track of this.#recording.tracks) {
			const p = this.open.get(track.uid);
			if (!p && (this.#wanted(track, t, end) || jump !== null && this.#wanted(track, jump, jump + 1))) {
				this.#open(track, t);
				changed = true;
			} else if (p && !this.#wanted(track, t - keepOpen, Math.max(end, jump ?? 0))) {
				p.close();
				this.open.delete(track.uid);
				changed = true;
			}
		}
		this.#fetch(t, until, jump);
		if (changed) this.#config.emit("tracks");
	}

	/**
	 * @param {number} t
	 * @param {number} until
	 * @param {number|null} jump
	 */
	#fetch(t, until, jump) {
		/** @type {Map<number, Set<string>>} */
		const wants = new Map();
		for (const p of this.open.values()) {
			for (const i of p.media.lacks(until, jump)) wants.set(i, (wants.get(i) || new Set()).add(p.uid));
		}
		// What is played now first, then what its pictures need, then what follows.
		const at = this.#recording.segments.at(t);
		/** @param {number} i */
		const order = (i) => (i === at ? -1e9 : i < at ? i - 1e6 : i);
		const sorted = [...wants].sort((x, y) => order(x[0]) - order(y[0]));
		this.#fetcher.want(sorted, sorted.filter(([i]) => i <= at).length);
	}

	/**
	 * @param {import("./tracks_of.js").Track} track
	 * @param {number} t
	 */
	#open(track, t) {
		const { clock, schedule, emit, opened, soundDelay, refused, stopped } = this.#config;
		const p = new TrackPlayer(this.#recording, track, this.element(track.uid), {
			delays: this.#delays, clockAt: (now) => clock.at(now), changed: () => schedule(false), soundDelay, refused, stopped,
			broken: (text) => {
				this.broken.set(track.uid, text);
				p.excused = true;
				schedule(true);
				emit("state");
			},
		});
		// Who looks at other pictures while it plays must not have the sound stop.
		p.excused = clock.running && p.kind === "video";
		this.open.set(track.uid, p);
		opened(p);
		p.aim(t);
	}

	/**
	 * buffered returns what can be played at once, about t.
	 * @param {number} t
	 */
	buffered(t) {
		/** @type {spans.Span[]} */
		const out = [];
		const { segments } = this.#recording, { list } = segments;
		for (let i = segments.at(t); i >= 0 && i < list.length && list[i].from < t + readAhead * 3; i++) {
			if (this.all().every((p) => p.media.covered(list[i].from + 0.001))) out.push([list[i].from, list[i].to]);
		}
		return spans.merge(out);
	}

	close() {
		this.#fetcher.close();
		for (const p of this.open.values()) p.close();
		this.open.clear();
		this.#elements.clear();
	}
}

function createAudio() {
	const audio = document.createElement("audio");
	audio.preload = "auto";
	audio.preservesPitch = true;
	return audio;
}

function createVideo() {
	const video = document.createElement("video");
	video.preload = "auto";
	video.preservesPitch = true;
	video.muted = true; // it has no sound, and may thus play unasked
	video.playsInline = true;
	video.tabIndex = -1;
	video.disablePictureInPicture = true;
	return video;
}
