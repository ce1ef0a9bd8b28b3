import { toast } from "../announce.js";
import { button } from "../dom.js";
import { say } from "../language.js";

/** A SkipButton says whether silence is skipped. */
export class SkipButton {
	#player;
	node = button("skip", say("skipSilence"), () => this.toggle(), { id: "skip", "aria-keyshortcuts": "s" });

	/** @param {import("../../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		player.on(["state"], () => this.#update());
		this.#update();
	}

	toggle() {
		this.#player.skipSilence = !this.#player.skipSilence;
		toast(say(this.#player.skipSilence ? "skipSilence.on" : "skipSilence.off"));
	}

	#update() {
		this.node.setAttribute("aria-pressed", String(this.#player.skipSilence));
	}
}
