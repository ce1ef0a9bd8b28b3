import { toast } from "../announce.js";
import { button, relabel } from "../dom.js";
import { setIcon } from "../icons.js";
import { say } from "../language.js";

/** A FullscreenButton gives the theatre the whole screen, and takes it back. */
export class FullscreenButton {
	#theatre;
	node = button("full", say("fullscreen"), () => this.toggle(), { id: "full", "aria-keyshortcuts": "f" });

	/**
	 * @param {HTMLElement} theatre
	 * @param {AbortSignal} over
	 */
	constructor(theatre, over) {
		this.#theatre = theatre;
		document.addEventListener("fullscreenchange", () => this.#update(), { signal: over });
	}

	async toggle() {
		try {
			if (document.fullscreenElement) await document.exitFullscreen();
			else await this.#theatre.requestFullscreen();
		} catch {
			toast(say("fullscreen.refused"));
		}
	}

	#update() {
		const on = document.fullscreenElement !== null;
		setIcon(this.node, on ? "unfull" : "full");
		relabel(this.node, say(on ? "fullscreen.leave" : "fullscreen"));
	}
}
