/**
 * The master clock gives the recording time for a time of the machine. It runs at
 * a rate, stops, and can be set. It slowly follows the sound device's idea of a second,
 * so that sound need not be stretched. Pure: the machine's time is passed in, in
 * seconds.
 */

/**
 * How fast the clock follows the sound. An error is gone after some two seconds; the
 * clock's rate changes by at most half a percent.
 */
const pull = 0.5, mostSlew = 0.005;

/**
 * If the median error of all sounds is larger than this, in seconds, it is no drift:
 * the device stood still, or changed its pace. Then the clock steps. Just after a start
 * it steps sooner.
 */
const stepBeyond = 0.02, freshStepBeyond = 0.005;

export class Clock {
	rate = 1;
	running = false;
	/** Recording time at #since. */
	#base = 0;
	/** The machine's time at #base. */
	#since = 0;
	/** How much faster than its rate the clock runs, as a factor. */
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
	 * at returns the recording time for a time of the machine near now, in seconds.
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
	 * follow draws the clock to the sounds. Returns how far it stepped, mostly 0.
	 * @param {number[]} errors how far each playing sound is ahead of the clock, in seconds of the recording
	 * @param {boolean} [fresh] the sounds have just begun, so nobody hears it when the clock steps by their common error
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
 * For some rates: how far the heard sound is ahead of the element's time, in seconds of
 * the recording. At another speed than 1 browsers keep the pitch, and do not count the
 * delay of that. Measured in Chromium.
 */
const stretched = [[0.5, 0.033], [1, 0], [2, -0.01], [3, -0.022]];

/**
 * stretch returns how far the heard sound is ahead of the element's time at a rate, in
 * seconds of the recording.
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
 * median returns the median of one number or more. For an even count it is the lower of
 * the middle two.
 * @param {number[]} numbers
 */
export function median(numbers) {
	const sorted = numbers.slice().sort((a, b) => a - b);
	return sorted[(sorted.length - 1) >> 1];
}

/**
 * trim returns the factor by which an element's speed should differ from the rate, to
 * bring it back to the clock. Pictures follow freely. Sound is left alone until it is
 * 12 ms off; then it is played two percent faster or slower (five, if it is more than
 * 25 ms off) until it is right. At a higher rate a sound's own time is coarser.
 * @param {"audio"|"video"} kind
 * @param {number} error how far the element is ahead of the clock, in seconds
 * @param {number} now the present factor
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
