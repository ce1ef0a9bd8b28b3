import { badges } from "./badges.js";
import { byID, el } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./language.js";
import { date, line } from "./text.js";
import { showTitle, titleOf } from "./title.js";

/**
 * A Heading says what the recording is called, when it was and who took part, and has
 * a badge for each thing known of it as a whole.
 */
export class Heading {
	#recording;
	#popover;
	#title = byID("title");
	#subtitle = byID("subtitle");
	#badges = byID("badges");
	/** The badges that are shown, as text. */
	#shown = "";

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("./popover.js").Popover} popover
	 */
	constructor(player, popover) {
		this.#recording = player.recording;
		this.#popover = popover;
		player.on(["spans", "update"], () => this.#update());
		this.#update();
	}

	#update() {
		const r = this.#recording;
		this.#title.textContent = titleOf(r, 200);
		showTitle(r);
		const parts = [
			r.title && r.room ? el("bdi", {}, line(r.room, 80)) : "",
			date(r.start),
			r.people.length ? say("people", { n: r.people.length }) : "",
		].filter(Boolean);
		this.#subtitle.replaceChildren(...parts.flatMap((p, i) => i ? [" · ", p] : [p]));
		this.#updateBadges();
	}

	#updateBadges() {
		const list = badges(this.#recording);
		/** @param {Node|string} w */
		const text = (w) => typeof w === "string" ? w : w.textContent;
		const shown = JSON.stringify(list.map((b) => [b.kind, b.words.map(text), b.text.map(text)]));
		if (shown === this.#shown) return;
		this.#shown = shown;
		const had = this.#badges.contains(document.activeElement);
		this.#badges.replaceChildren(...list.map((b) => {
			const explain = () => this.#popover.show(node, [el("div", { class: "explain" }, b.text)], say("badge.explain"), false);
			const node = el("button", { type: "button", class: "badge", "data-kind": b.kind, "aria-haspopup": "dialog", onclick: explain },
				icon(b.icon), el("span", {}, b.words));
			return el("li", {}, node);
		}));
		if (had) this.#badges.querySelector("button")?.focus();
	}
}
