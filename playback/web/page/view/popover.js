import { el } from "./dom.js";

/** How far it stays from what it belongs to, and from the window's border, in pixels. */
const gap = 8;

/**
 * A Popover shows a few words beside what was clicked. Escape and a click elsewhere
 * close it.
 */
export class Popover {
	#node = el("div", { class: "popover", role: "dialog", tabIndex: -1, popover: "auto" });
	/** @type {HTMLElement|null} */
	#anchor = null;

	constructor() {
		this.#node.addEventListener("toggle", (event) => {
			if (/** @type {ToggleEvent} */ (event).newState === "closed") this.#closed();
		});
		document.body.append(this.#node);
	}

	#closed() {
		this.#anchor?.removeAttribute("aria-expanded");
		const had = this.#node.contains(document.activeElement) || document.activeElement === document.body;
		if (had) this.#anchor?.focus({ preventScroll: true });
	}

	/**
	 * @param {HTMLElement} anchor what it belongs to
	 * @param {(Node|string)[]} children
	 * @param {string} label
	 * @param {boolean} [above] whether it had better be above the anchor
	 */
	show(anchor, children, label, above = true) {
		this.#node.hidePopover();
		this.#anchor?.removeAttribute("aria-expanded");
		// What is in full screen hides all that is not in it.
		(document.fullscreenElement ?? document.body).append(this.#node);
		this.#anchor = anchor;
		anchor.setAttribute("aria-expanded", "true");
		this.#node.setAttribute("aria-label", label);
		this.#node.replaceChildren(...children);
		this.#node.showPopover();
		this.#place(anchor, above);
		/** @type {HTMLElement|null} */
		const first = this.#node.querySelector("input, button");
		(first ?? this.#node).focus({ preventScroll: true });
	}

	/**
	 * @param {HTMLElement} anchor
	 * @param {boolean} above
	 */
	#place(anchor, above) {
		const a = anchor.getBoundingClientRect(), p = this.#node.getBoundingClientRect();
		let top = above ? a.top - p.height - gap : a.bottom + gap;
		if (top < gap) top = a.bottom + gap;
		if (top + p.height > innerHeight - gap) top = Math.max(gap, a.top - p.height - gap);
		const left = Math.max(gap, Math.min(innerWidth - p.width - gap, a.left + a.width / 2 - p.width / 2));
		this.#node.style.top = `${Math.round(top)}px`;
		this.#node.style.left = `${Math.round(left)}px`;
	}

	close() {
		this.#node.hidePopover();
	}
}
