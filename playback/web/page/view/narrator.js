import { announce, toast } from "./announce.js";
import { stateAt } from "./moment.js";
import { line } from "./text.js";

/** How long it waits before that is said, in milliseconds. */
const loadingAfter = 1500;

/** A Narrator says what changes by itself while it plays. */
export class Narrator {
	#player;
	/** What was wrong with the moment that was looked at last. */
	#wrong = "";
	/** @type {ReturnType<typeof setTimeout>|undefined} */
	#timer;

	/** @param {import("../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		player.on(["time", "state", "update"], () => this.#lookAtMoment());
		player.on(["state"], () => this.#lookAtWait());
		player.addEventListener("error", (event) => {
			if (event instanceof CustomEvent) toast(line(event.detail.text, 300));
		});
		this.#lookAtMoment();
		const { epochs } = player.recording;
		if (epochs.length && !epochs.some((e) => e.opens)) toast("None of your keys opens any of this recording");
	}

	#lookAtMoment() {
		const wrong = stateAt(this.#player.recording, this.#player.time);
		if (wrong && wrong !== this.#wrong && !this.#player.paused) announce(`${wrong}. It goes on after that.`);
		this.#wrong = wrong;
	}

	#lookAtWait() {
		clearTimeout(this.#timer);
		if (this.#player.waiting && !this.#player.paused) this.#timer = setTimeout(() => announce("Loading"), loadingAfter);
	}
}
