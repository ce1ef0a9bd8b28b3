import { block } from "./loudness.js";
import { SoundChannel } from "./sound_channel.js";

/** How much the browser's compressor delays what goes through it, in seconds. */
const lookAhead = 0.006;

/** The weight of a new figure for the device's delay. */
const weight = 0.2;

/**
 * A Leveller makes speakers equally loud, as exports are. Each sound goes through a gain
 * of its own, which follows how loud it was so far; a limiter keeps the sum from clipping.
 * Sounds are led through it once the browser lets sound play. In a browser that cannot do
 * it, or while it is off from the start, they play as they are.
 */
export class Leveller {
	#on = false;
	/** @type {AudioContext|null} */
	#context = null;
	/** @type {AudioNode|null} where all sounds meet */
	#sum = null;
	/** @type {Map<HTMLMediaElement, { channel: SoundChannel|null, volume: number }>} */
	#sounds = new Map();
	/** @type {ReturnType<typeof setInterval>|undefined} */
	#timer;
	#deviceDelay = 0;
	#closed = false;

	get on() { return this.#on; }
	set on(on) {
		this.#on = on;
		for (const { channel } of this.#sounds.values()) channel?.level(on);
	}

	/** wake is called when sound is to play, by a person's wish: only then do browsers allow it. */
	wake() {
		if (this.#closed || !this.#on && !this.#context) return;
		try {
			if (!this.#context) this.#open(new AudioContext({ latencyHint: "interactive" }));
			// Refused where nobody has clicked yet. Then the sounds stay as they are.
			this.#context?.resume().catch(() => {});
		} catch {
			this.#on = false; // such a browser has none, or no more
		}
	}

	/** @param {AudioContext} context */
	#open(context) {
		// As far as the sum is below the limit nothing happens to it.
		const limiter = new DynamicsCompressorNode(context, { threshold: -1, knee: 0, ratio: 20, attack: 0.003, release: 0.25 });
		limiter.connect(context.destination);
		this.#context = context;
		this.#sum = limiter;
		context.addEventListener("statechange", () => this.#lead());
		this.#timer = setInterval(() => this.#measure(), block * 1000);
		this.#lead();
	}

	/** lead takes in all sounds once they can be heard through it: in a context that is not running they would be silent. */
	#lead() {
		const context = this.#context;
		if (context?.state !== "running" || !this.#sum) return;
		this.#learnDelay(context, 1);
		for (const [element, sound] of this.#sounds) {
			if (sound.channel) continue;
			try {
				sound.channel = new SoundChannel(context, this.#sum, element);
			} catch {
				this.#sounds.delete(element); // somebody else leads it through something, such as an extension
				continue;
			}
			sound.channel.level(this.#on);
			this.setVolume(element, sound.volume);
		}
	}

	/**
	 * add takes an element of a sound.
	 * @param {HTMLMediaElement} element
	 */
	add(element) {
		if (this.#sounds.has(element)) return;
		this.#sounds.set(element, { channel: null, volume: element.volume });
		this.#lead();
	}

	/**
	 * setVolume sets how loud an element is, from 0 to 1. What goes through here is measured
	 * before its volume is applied.
	 * @param {HTMLMediaElement} element that was added
	 * @param {number} volume
	 */
	setVolume(element, volume) {
		const sound = this.#sounds.get(element);
		if (sound) sound.volume = volume;
		sound?.channel?.setVolume(volume);
		element.volume = sound?.channel ? 1 : volume;
	}

	/**
	 * delayOf returns how much later than its element says a sound is heard, in seconds. What
	 * plays without this the browser accounts for itself.
	 * @param {HTMLMediaElement} element
	 */
	delayOf(element) {
		return this.#sounds.get(element)?.channel ? this.#deviceDelay + lookAhead : 0;
	}

	/**
	 * gainOf returns by how much a sound is turned up, in dB.
	 * @param {HTMLMediaElement} element
	 */
	gainOf(element) {
		return this.#on && this.#sounds.get(element)?.channel?.loudness.gain || 0;
	}

	#measure() {
		if (this.#context?.state !== "running") return;
		this.#learnDelay(this.#context, weight);
		for (const [element, { channel }] of this.#sounds) {
			if (channel && !element.paused && !element.muted) channel.measure(this.#on);
		}
	}

	/**
	 * @param {AudioContext} context
	 * @param {number} weight of what the browser says now, up to 1
	 */
	#learnDelay(context, weight) {
		const delay = (context.baseLatency || 0) + (context.outputLatency || 0);
		if (delay < 1) this.#deviceDelay += (delay - this.#deviceDelay) * weight;
	}

	/** close ends it. Its elements are of no more use. */
	close() {
		this.#closed = true;
		clearInterval(this.#timer);
		this.#sounds.clear();
		this.#context?.close().catch(() => {});
	}
}
