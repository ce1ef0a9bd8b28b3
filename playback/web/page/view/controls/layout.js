import { toast } from "../announce.js";
import { button, relabel } from "../dom.js";
import { setIcon } from "../icons.js";
import { say } from "../language.js";
import { store, stored } from "../settings.js";

/** @typedef {import("../stage.js").Mode} Mode */

/** @type {Record<Mode, import("../language.js").Key>} */
const labels = { auto: "layout.auto", grid: "layout.grid", speaker: "layout.speaker" };

/** @type {Mode[]} in the order in which they follow one another */
const modes = ["auto", "grid", "speaker"];

/** storedMode is the layout of the last visit. */
export function storedMode() {
	return modes.find((mode) => mode === stored("layout", "auto")) ?? "auto";
}

/** A LayoutButton chooses how tiles are laid out, which it keeps between visits. */
export class LayoutButton {
	#stage;
	node = button("auto", say("layout"), () => this.next(), { id: "layout", "aria-keyshortcuts": "g" });

	/** @param {import("../stage.js").Stage} stage */
	constructor(stage) {
		this.#stage = stage;
		this.#update();
	}

	next() {
		const mode = modes[(modes.indexOf(this.#stage.mode) + 1) % modes.length];
		store("layout", mode);
		this.#stage.mode = mode;
		this.#update();
		toast(say(labels[mode]));
	}

	#update() {
		const { mode } = this.#stage;
		setIcon(this.node, mode);
		relabel(this.node, say(labels[mode]));
	}
}
