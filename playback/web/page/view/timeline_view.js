/** The shortest view, in seconds. */
const shortest = 10;

/** What is within this of the whole is the whole, in seconds. */
const wholeSlack = 0.01;

/** Where the moment is in a view that follows it, and how near to its end it turns over, as parts of it. */
const followAt = 0.1, turnAt = 0.05;

/** A TimelineView is the part of a recording that its timeline shows. Times are in seconds. */
export class TimelineView {
	from = 0;
	to = 1;
	zoomed = false;
	#recording;

	/** @param {{ duration: number }} recording */
	constructor(recording) {
		this.#recording = recording;
	}

	get span() { return this.to - this.from; }

	/** grow shows all of what there is, unless it shows a part. */
	grow() {
		if (!this.zoomed) this.#set(0, Math.max(this.#recording.duration, 0.001));
	}

	/**
	 * zoom makes the view so many times as long, around a moment.
	 * @param {number} factor
	 * @param {number} around
	 */
	zoom(factor, around) {
		const { duration } = this.#recording;
		const span = Math.min(duration, Math.max(Math.min(shortest, duration), this.span * factor));
		const part = Math.min(1, Math.max(0, (around - this.from) / this.span));
		this.zoomed = span < duration - wholeSlack;
		this.#set(Math.min(duration - span, Math.max(0, around - part * span)), span);
	}

	/** @param {number} by */
	pan(by) {
		this.#set(Math.min(this.#recording.duration - this.span, Math.max(0, this.from + by)), this.span);
	}

	/**
	 * follow turns the view over where t leaves it. Returns whether it did.
	 * @param {number} t
	 */
	follow(t) {
		const { span } = this;
		if (!this.zoomed || t <= this.to - span * turnAt && t >= this.from) return false;
		this.#set(Math.max(0, Math.min(this.#recording.duration - span, t - span * followAt)), span);
		return true;
	}

	/**
	 * @param {number} from
	 * @param {number} span
	 */
	#set(from, span) {
		this.from = from;
		this.to = from + span;
	}
}
