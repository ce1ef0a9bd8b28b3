import * as spans from "./spans.js";

/** Silences are the spans of a recording in which nobody speaks. A player may skip them. */
export class Silences {
	/** @type {import("./recording.js").Recording} */
	#recording;
	/** @type {spans.Span[]|null} null: not computed yet */
	#list = null;

	/** @param {import("./recording.js").Recording} recording */
	constructor(recording) {
		this.#recording = recording;
	}

	/** refresh is called when the recording has grown. */
	refresh() {
		this.#list = null;
	}

	/**
	 * first returns the first silence that touches [from, to], or null.
	 * @param {number} from
	 * @param {number} to
	 */
	first(from, to) {
		this.#list ??= this.#recording.silences();
		const i = Math.max(0, spans.find(this.#list, from));
		return this.#list.slice(i, i + 2).find(([a, b]) => a <= to && b > from) || null;
	}
}
