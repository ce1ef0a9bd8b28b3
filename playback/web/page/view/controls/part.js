import { button } from "../dom.js";
import { store, stored } from "../settings.js";

/** A PartButton shows and hides a part of the page, which it keeps between visits. */
export class PartButton {
	#name;
	#shown;

	/**
	 * @param {"panel"|"lanes"} name the part's, and its icon's
	 * @param {string} label
	 * @param {string} key
	 */
	constructor(name, label, key) {
		this.#name = name;
		this.#shown = stored(name, "1") === "1";
		this.node = button(name, label, () => this.toggle(), { id: `${name}button`, "aria-controls": name, "aria-keyshortcuts": key });
		this.#update();
	}

	toggle() {
		this.#shown = !this.#shown;
		store(this.#name, this.#shown ? "1" : "0");
		this.#update();
	}

	#update() {
		document.body.classList.toggle(`no-${this.#name}`, !this.#shown);
		this.node.setAttribute("aria-pressed", String(this.#shown));
	}
}
