import { toast } from "../announce.js";
import { button } from "../dom.js";

/** A SkipButton says whether silence is skipped. */
export class SkipButton {
	#player;
	node = button("skip", "Skip silence", () => this.toggle(), { id: "skip", "aria-keyshortcuts": "s" });

	/** @param {import("../../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		player.on(["state"], () => this.#update());
		this.#update();
	}

	toggle() {
		this.#player.skipSilence = !this.#player.skipSilence;
		toast(this.#player.skipSilence ? "Silence is skipped" : "Silence is played");
	}

	#update() {
		this.node.setAttribute("aria-pressed", String(this.#player.skipSilence));
	}
}
