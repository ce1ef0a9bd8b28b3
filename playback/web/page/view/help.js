import { announce } from "./announce.js";
import { button, el } from "./dom.js";
import { say } from "./language.js";
import { store, stored } from "./settings.js";

/**
 * @typedef {object} Setting
 * @property {string} words
 * @property {boolean} on
 * @property {(on: boolean) => void} set
 */

/** The Help is a dialog that lists the keys, and has what can be set. */
export class Help {
	/**
	 * Whether keys that are letters and signs do something. They get in the way of speech
	 * input and of some assistive technology.
	 */
	lettersOn = stored("keys", "1") === "1";
	#dialog;
	/** @type {Element|null} what had the keyboard before it was shown */
	#before = null;

	/**
	 * @param {import("./keyboard.js").Shortcut[]} shortcuts
	 * @param {Setting[]} settings others than that of the keys
	 */
	constructor(shortcuts, settings) {
		const letters = { words: say("keyboard.letters"), on: this.lettersOn, set: (/** @type {boolean} */ on) => this.#setLetters(on) };
		const rows = shortcuts.map(({ shown, words }) => el("tr", {},
			el("td", {}, shown.map((key) => el(key === "–" ? "span" : "kbd", {}, key))), el("td", {}, words)));
		const heads = el("tr", {}, el("th", { scope: "col" }, say("keyboard.keys")), el("th", { scope: "col" }, say("keyboard.what")));
		const dialog = this.#dialog = el("dialog", { class: "help", id: "help", "aria-labelledby": "helptitle" },
			el("div", { class: "head" }, el("h2", { id: "helptitle" }, say("keyboard")), button("close", say("close"), () => dialog.close())),
			el("table", {}, el("thead", { class: "offscreen" }, heads), el("tbody", {}, rows)),
			[letters, ...settings].map(check));
		dialog.addEventListener("click", (event) => {
			if (event.target === dialog) dialog.close();
		});
		dialog.addEventListener("close", () => {
			if (this.#before instanceof HTMLElement) this.#before.focus();
		});
		document.body.append(dialog);
	}

	show() {
		if (this.#dialog.open) return;
		this.#before = document.activeElement;
		this.#dialog.showModal();
	}

	/** @param {boolean} on */
	#setLetters(on) {
		this.lettersOn = on;
		store("keys", on ? "1" : "0");
		announce(say(on ? "keyboard.letters.on" : "keyboard.letters.off"));
	}
}

/** @param {Setting} setting */
function check({ words, on, set }) {
	const box = el("input", { type: "checkbox", checked: on, onchange: () => set(box.checked) });
	return el("label", { class: "check" }, box, words);
}
