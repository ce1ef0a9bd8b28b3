import { Loudness, block } from "./loudness.js";

/** How fast a gain changes, and the volume: after this time two thirds are done, in seconds. */
const gainChanges = 0.4, volumeChanges = 0.02;

/** A SoundChannel is the way of one sound: through its gains to the sum of all, and to what measures it. */
export class SoundChannel {
	loudness = new Loudness();
	#context;
	#gain;
	#volume;
	#ear;
	#samples;
	/** @type {Map<GainNode, number>} where each gain is, or goes */
	#to = new Map();

	/**
	 * @param {AudioContext} context
	 * @param {AudioNode} sum
	 * @param {HTMLMediaElement} element
	 */
	constructor(context, sum, element) {
		this.#context = context;
		const source = context.createMediaElementSource(element);
		this.#gain = new GainNode(context);
		this.#volume = new GainNode(context, { gain: element.volume });
		source.connect(this.#gain).connect(this.#volume).connect(sum);
		// The K-weighting of ITU-R BS.1770, as near as the browser's filters are to it.
		const shelf = new BiquadFilterNode(context, { type: "highshelf", frequency: 1500, gain: 4 });
		const highPass = new BiquadFilterNode(context, { type: "highpass", frequency: 38, Q: -6 });
		this.#ear = new AnalyserNode(context, { fftSize: 32768 });
		source.connect(shelf).connect(highPass).connect(this.#ear);
		this.#samples = new Float32Array(this.#ear.fftSize);
	}

	/** @param {boolean} on */
	measure(on) {
		this.#ear.getFloatTimeDomainData(this.#samples);
		const last = this.#samples.subarray(-Math.round(block * this.#context.sampleRate));
		let sum = 0;
		for (const x of last) sum += x * x;
		this.loudness.add(sum / last.length);
		this.level(on);
	}

	/** @param {boolean} on whether it is turned up or down, or left as it is */
	level(on) {
		this.#change(this.#gain, on ? 10 ** (this.loudness.gain / 20) : 1, gainChanges);
	}

	/** @param {number} volume */
	setVolume(volume) {
		this.#change(this.#volume, volume, volumeChanges);
	}

	/**
	 * @param {GainNode} node
	 * @param {number} to
	 * @param {number} within in seconds
	 */
	#change(node, to, within) {
		if (this.#to.get(node) === to) return;
		this.#to.set(node, to);
		node.gain.setTargetAtTime(to, this.#context.currentTime, within);
	}
}
