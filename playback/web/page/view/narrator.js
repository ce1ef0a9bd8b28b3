import { announce, toast } from "./announce.js";
import { say } from "./language.js";
import { wrongAt } from "./moment.js";
import { waitWords } from "./wait_words.js";

/** How long it waits before that is said, in milliseconds. */
const loadingAfter = 1500;

/** A Narrator says what changes by itself while it plays. */
export class Narrator {
	#player;
	/** @type {import("./moment.js").Wrong} with the moment that was looked at last */
	#wrong = "";
	/** @type {ReturnType<typeof setTimeout>|undefined} */
	#timer;

	/** @param {import("../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		player.on(["time", "state", "update"], () => this.#lookAtMoment());
		player.on(["state"], () => this.#lookAtWait());
		player.addEventListener("error", (event) => {
			if (event instanceof CustomEvent) toast(waitWords(event.detail.why));
		});
		player.over.addEventListener("abort", () => clearTimeout(this.#timer));
		this.#lookAtMoment();
		const { epochs } = player.recording;
		if (epochs.length && !epochs.some((e) => e.opens)) toast(say("noKey"));
	}

	#lookAtMoment() {
		const wrong = wrongAt(this.#player.recording, this.#player.time);
		if (wrong && wrong !== this.#wrong && !this.#player.paused) {
			announce(say(wrong === "failed" ? "moment.failed.goesOn" : "moment.locked.goesOn"));
		};
		this.#wrong = wrong;
	}

	#lookAtWait() {
		clearTimeout(this.#timer);
		if (this.#player.waiting && !this.#player.paused) this.#timer = setTimeout(() => announce(say("loading")), loadingAfter);
	}
}
