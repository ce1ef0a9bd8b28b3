import { announce } from "../announce.js";
import { button, el, relabel } from "../dom.js";
import { setIcon } from "../icons.js";
import { store, stored } from "../settings.js";

/** A VolumeControl is of the sound of all, which it keeps between visits. */
export class VolumeControl {
	#player;
	#button = button("volume", "Mute", () => this.mute(), { id: "mute", "aria-keyshortcuts": "m" });
	#slider = el("input", {
		type: "range", min: 0, max: 100, step: 1, id: "volume", "aria-label": "Volume",
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
		announce(`Volume ${Math.round(p.volume * 100)} percent`);
	}

	mute() {
		this.#player.muted = !this.#player.muted;
		announce(this.#player.muted ? "Muted" : "Sound on");
	}

	#update() {
		const { muted, volume } = this.#player, percent = Math.round(volume * 100);
		setIcon(this.#button, muted || volume === 0 ? "silent" : volume < 0.5 ? "quiet" : "volume");
		relabel(this.#button, muted ? "Unmute" : "Mute");
		this.#slider.value = String(muted ? 0 : percent);
		this.#slider.setAttribute("aria-valuetext", muted ? "muted" : `${percent} percent`);
		this.#slider.style.setProperty("--part", `${this.#slider.value}%`);
	}
}
