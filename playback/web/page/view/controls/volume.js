import { announce } from "../announce.js";
import { button, el, relabel } from "../dom.js";
import { setIcon } from "../icons.js";
import { say } from "../language.js";
import { store, stored } from "../settings.js";
import { percent } from "../text.js";

/** A VolumeControl is of the sound of all, which it keeps between visits. */
export class VolumeControl {
	#player;
	#button = button("volume", say("mute"), () => this.mute(), { id: "mute", "aria-keyshortcuts": "m" });
	#slider = el("input", {
		type: "range", min: 0, max: 100, step: 1, id: "volume", "aria-label": say("volume"),
		oninput: () => this.#set(Number(this.#slider.value) / 100),
	});
	node = el("div", { class: "volume" }, this.#button, this.#slider);

	/** @param {import("../../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		const volume = Number(stored("volume", "1"));
		player.volume = volume >= 0 && volume <= 1 ? volume : 1;
		player.on(["state"], () => this.#update());
		this.#update();
	}

	/**
	 * Setting it ends a mute.
	 * @param {number} volume from 0 to 1
	 */
	#set(volume) {
		volume = Math.min(1, Math.max(0, Math.round(volume * 100) / 100));
		this.#player.volume = volume;
		if (volume > 0) this.#player.muted = false;
		store("volume", String(volume));
	}

	/** @param {number} by */
	louder(by) {
		const p = this.#player;
		this.#set((p.muted ? 0 : p.volume) + by);
		announce(say("volume.now", { percent: percent(p.volume) }));
	}

	mute() {
		this.#player.muted = !this.#player.muted;
		announce(say(this.#player.muted ? "muted" : "unmuted"));
	}

	#update() {
		const { muted, volume } = this.#player;
		setIcon(this.#button, muted || volume === 0 ? "silent" : volume < 0.5 ? "quiet" : "volume");
		relabel(this.#button, say(muted ? "unmute" : "mute"));
		this.#slider.value = String(muted ? 0 : Math.round(volume * 100));
		this.#slider.setAttribute("aria-valuetext", muted ? say("volume.muted") : percent(volume));
		this.#slider.style.setProperty("--part", `${this.#slider.value}%`);
	}
}
