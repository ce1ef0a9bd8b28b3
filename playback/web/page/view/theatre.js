import { closest } from "./dom.js";

/** How long the controls stay in full screen when nothing is done, in milliseconds. */
const awakeFor = 3000;

/** A Theatre is the stage with the controls: what goes into full screen. */
export class Theatre {
	#root;
	#player;
	/** @type {ReturnType<typeof setTimeout>|undefined} */
	#timer;

	/**
	 * @param {HTMLElement} root
	 * @param {HTMLElement} stage
	 * @param {import("../engine/player.js").Player} player
	 * @param {() => void} toggle plays or pauses
	 */
	constructor(root, stage, player, toggle) {
		this.#root = root;
		this.#player = player;
		stage.addEventListener("click", (event) => {
			if (!closest(event, "button, .popover")) toggle();
		});
		// Who clicks a button does not mean to have Space press it again.
		root.addEventListener("click", (event) => {
			if (event.detail > 0) closest(event, "#controls button, .start, .pager button")?.blur();
		});
		for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) root.addEventListener(type, () => this.#wake());
		document.addEventListener("fullscreenchange", () => this.#wake(), { signal: player.over });
		player.on(["state", "update"], () => this.#update());
		this.#update();
	}

	/**
	 * wake shows the controls. In full screen they leave after a while, unless the
	 * keyboard is in them.
	 */
	#wake() {
		this.#root.classList.remove("idle");
		clearTimeout(this.#timer);
		if (!document.fullscreenElement) return;
		this.#timer = setTimeout(() => {
			const used = this.#root.querySelector("#controls :focus-visible");
			if (!this.#player.paused && !used) this.#root.classList.add("idle");
		}, awakeFor);
	}

	#update() {
		const { paused, waiting } = this.#player;
		this.#root.classList.toggle("paused", paused);
		this.#root.classList.toggle("stalled", waiting && !paused);
	}
}
