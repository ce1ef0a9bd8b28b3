/** The loudness to which speakers are levelled, in LUFS, and the most they are turned up or down, in dB: as in exports. */
const target = -20, mostGain = 15;

/** Blocks of samples below the first are silence, in LUFS; and so far below the mean of the others they do not count, in LU. */
const absoluteGate = -70, relativeGate = -10;

/** A sound quieter than this is no speech, in LUFS. */
const quietest = -55;

/** How many blocks count, a minute of speech, and how many are needed. */
const mostBlocks = 150, leastBlocks = 3;

/** The length of a block, in seconds. */
export const block = 0.4;

/**
 * A Loudness is how loud a speaker has been in the last minute in which they spoke: gated as
 * EBU R128 says, of a sound that is K-weighted already and goes to both ears.
 */
export class Loudness {
	/** @type {number[]} mean squares of the blocks that are no silence */
	#blocks = [];
	#next = 0;

	/**
	 * add takes a block.
	 * @param {number} meanSquare of its samples
	 */
	add(meanSquare) {
		if (!(lufs(meanSquare) > absoluteGate && meanSquare < Infinity)) return;
		this.#blocks[this.#next] = meanSquare;
		this.#next = (this.#next + 1) % mostBlocks;
	}

	/** The loudness in LUFS, or null while too little was said. */
	get value() {
		if (this.#blocks.length < leastBlocks) return null;
		const gate = Math.max(lufs(mean(this.#blocks)) + relativeGate, absoluteGate);
		return lufs(mean(this.#blocks.filter((b) => lufs(b) >= gate)));
	}

	/** By how much the speaker is to be turned up, in dB: 0 as long as nobody spoke. */
	get gain() {
		const { value } = this;
		if (value === null || value < quietest) return 0;
		return Math.max(-mostGain, Math.min(mostGain, target - value));
	}
}

/** @param {number} meanSquare of one of two ears */
function lufs(meanSquare) {
	return -0.691 + 10 * Math.log10(2 * meanSquare);
}

/** @param {number[]} numbers of which there is one */
function mean(numbers) {
	return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}
