/**
 * A WakeLock keeps the screen on while pictures play: nobody touches the machine for
 * an hour then. Who only listens may let it go dark.
 */
export class WakeLock {
	#player;
	/** @type {WakeLockSentinel|null} */
	#held = null;
	/** @type {"idle"|"asking"|"refused"} what the browser made of the last request */
	#answer = "idle";

	/** @param {import("../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		if (!navigator.wakeLock) return;
		player.on(["time", "tracks"], () => this.#update());
		player.on(["state"], () => this.#updateAnew());
		// The browser takes it back when the page is not seen.
		document.addEventListener("visibilitychange", () => this.#updateAnew(), { signal: player.over });
		player.over.addEventListener("abort", () => this.#release());
	}

	get #wanted() { return !this.#player.over.aborted && this.#player.pictured && document.visibilityState === "visible"; }

	/** updateAnew asks once more, if it was refused: the battery may have been low. */
	#updateAnew() {
		if (this.#answer === "refused") this.#answer = "idle";
		this.#update();
	}

	#update() {
		if (!this.#wanted) this.#release();
		else if (this.#answer === "idle" && (!this.#held || this.#held.released)) this.#take();
	}

	async #take() {
		this.#answer = "asking";
		try {
			this.#held = await navigator.wakeLock.request("screen");
			this.#answer = "idle";
		} catch {
			this.#answer = "refused";
		}
		if (!this.#wanted) this.#release();
	}

	#release() {
		const held = this.#held;
		this.#held = null;
		if (held && !held.released) held.release().catch(() => {});
	}
}
