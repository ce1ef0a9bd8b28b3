/**
 * The master clock: recording time as a function of the machine's time. It runs
 * at a rate, stops, is set, and is drawn slowly towards what sound devices think a
 * second is, so that sound need not be stretched. Pure: the machine's time is
 * passed in, in seconds.
 */

/**
 * How fast the clock follows the sound: an error is gone after some two seconds, at
 * no more than half a percent.
 */
const pull = 0.5, mostSlew = 0.005;

/**
 * A common error of all sounds beyond this is no drift, in seconds: the device
 * stood still, or changed its pace. The clock steps. After a start it steps sooner.
 */
const stepBeyond = 0.02, freshStepBeyond = 0.005;

export class Clock {
	rate = 1;
	running = false;
	/** Recording time at #since. */
	#base = 0;
	/** Of the machine's time. */
	#since = 0;
	/** By how much it runs faster than its rate. */
	#slew = 0;
	#now;

	/** @param {() => number} [now] the machine's time, in seconds */
	constructor(now = () => performance.now() / 1000) {
		this.#now = now;
	}

	/** Recording time, in seconds. */
	get time() {
		return this.at(this.#now());
	}

	/**
	 * at tells the recording time at a time of the machine, not far from now, in seconds.
	 * @param {number} now
	 */
	at(now) {
		return this.running ? this.#base + (now - this.#since) * this.rate * (1 + this.#slew) : this.#base;
	}

	#rebase(time = this.time) {
		this.#base = time;
		this.#since = this.#now();
	}

	/** @param {number} time */
	set(time) {
		this.#rebase(time);
		this.#slew = 0;
	}

	start() {
		this.#rebase();
		this.running = true;
		this.#slew = 0;
	}

	stop() {
		this.#rebase();
		this.running = false;
	}

	/** @param {number} rate */
	setRate(rate) {
		this.#rebase();
		this.rate = rate;
	}

	/**
	 * follow takes how far each playing sound is ahead of the clock, in seconds of
	 * the recording. Returns how far the clock stepped, mostly 0.
	 * @param {number[]} errors
	 * @param {boolean} [fresh] the sounds have just begun: their common delay is not heard as one
	 */
	follow(errors, fresh = false) {
		this.#rebase();
		if (errors.length === 0) {
			this.#slew = 0;
			return 0;
		}
		const error = median(errors);
		if (Math.abs(error) > (fresh ? freshStepBeyond : stepBeyond)) {
			this.#base += error;
			this.#slew = 0;
			return error;
		}
		this.#slew = Math.max(-mostSlew, Math.min(mostSlew, error * pull));
		return 0;
	}
}

/**
 * How far what is heard is ahead of what an element says, in seconds of the
 * recording: browsers do not count the delay of what keeps the pitch at another
 * speed. Measured in Chromium.
 */
const stretched = [[0.5, 0.033], [1, 0], [2, -0.01], [3, -0.022]];

/**
 * stretch returns that for a rate.
 * @param {number} rate
 */
export function stretch(rate) {
	let [[r, d]] = stretched;
	for (const [r2, d2] of stretched) {
		if (rate <= r2) return r2 === r ? d2 : d + (d2 - d) * (rate - r) / (r2 - r);
		[r, d] = [r2, d2];
	}
	return d;
}

/**
 * median of at least one number; of an even count the lower of the middle two.
 * @param {number[]} numbers
 */
export function median(numbers) {
	const sorted = numbers.slice().sort((a, b) => a - b);
	return sorted[(sorted.length - 1) >> 1];
}

/**
 * trim returns the factor to play an element at, that is error seconds ahead of
 * the clock. Pictures follow freely. Sound is left alone until it is 12 ms off,
 * and then drawn back by two percent (five, if it is far), until it is right. At
 * higher speed its clock is coarser.
 * @param {"audio"|"video"} kind
 * @param {number} error in seconds
 * @param {number} now the factor in force
 * @param {number} [rate]
 */
export function trim(kind, error, now, rate = 1) {
	const off = Math.abs(error);
	if (kind === "video") {
		if (off < (now === 1 ? 0.008 : 0.003)) return 1;
		return round(Math.max(0.5, Math.min(2, 1 - error * 4)));
	}
	if (off < (now === 1 ? Math.min(0.024, 0.012 * Math.max(1, rate)) : 0.003)) return 1;
	const by = off > 0.025 ? 0.05 : 0.02;
	return error > 0 ? 1 - by : 1 + by;
}

/** @param {number} x */
function round(x) {
	return Math.round(x * 100) / 100;
}
