import { announce } from "../announce.js";
import { button, relabel } from "../dom.js";
import { setIcon } from "../icons.js";
import { say } from "../language.js";
import { spokenTime } from "../text.js";

/** A PlayButton plays and pauses. */
export class PlayButton {
	#player;
	node = button("play", say("play"), () => this.toggle(), { id: "play", class: "iconbutton big", "aria-keyshortcuts": "k Space" });

	/** @param {import("../../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		player.on(["state", "update"], () => this.#update());
		this.#update();
	}

	toggle() {
		const p = this.#player;
		if (!p.paused) {
			p.pause();
			announce(say("pausedAt", { time: spokenTime(p.time) }));
			return;
		}
		if (p.ended) p.seek(0);
		p.play();
		announce(say("playing"));
	}

	#update() {
		const { ended, paused } = this.#player;
		setIcon(this.node, ended ? "replay" : paused ? "play" : "pause");
		relabel(this.node, say(ended ? "replay" : paused ? "play" : "pause"));
	}
}
