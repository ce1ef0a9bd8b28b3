/**
 * The page as it is before it shows a recording. Whatever is shown after another recording begins
 * with that, so that nothing of one is left for the next.
 */
export class Blank {
	/** What shows a recording, by where it is. */
	static #places = ["header", "main", "nav"];
	/** @type {Element[]} */
	#nodes;
	#class = document.body.className;
	#title = document.title;

	/** It takes the page as it is now. */
	constructor() {
		this.#nodes = Blank.#places.map((place) => /** @type {Element} */ (Blank.#at(place).cloneNode(true)));
	}

	/** restore makes the page blank again. What it showed must be over. */
	restore() {
		const toast = document.getElementById("toast");
		if (toast) {
			document.body.append(toast); // it may be in what is in full screen
			toast.classList.remove("shown");
		}
		for (const node of document.querySelectorAll("body > .popover, body > dialog")) node.remove();
		Blank.#places.forEach((place, i) => Blank.#at(place).replaceWith(this.#nodes[i].cloneNode(true)));
		document.body.className = this.#class;
		document.title = this.#title;
		document.dispatchEvent(new Event("themechange")); // which the buttons say
	}

	/** @param {string} place */
	static #at(place) {
		const node = document.querySelector(`body > ${place}`);
		if (!node) throw new Error(`the page has no ${place}`);
		return node;
	}
}
