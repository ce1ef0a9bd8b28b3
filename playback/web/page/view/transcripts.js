import { el } from "./dom.js";
import { say } from "./language.js";
import { line } from "./text.js";

/** Transcripts are what was said, in the words of those who wrote it down, of whom one is chosen. */
export class Transcripts {
	#recording;
	#chosen = 0;
	/** @type {(() => void)[]} */
	#listeners = [];
	#select = el("select", { "aria-label": say("words.which"), class: "which", onchange: () => {
		this.#chosen = this.#select.selectedIndex;
		this.#tell();
	} });
	/** Chooses, where there is a choice; else it says who wrote them down. */
	node = el("div", { class: "whose" });
	#shown = "";

	/** @param {import("../engine/player.js").Player} player */
	constructor(player) {
		this.#recording = player.recording;
		player.on(["update"], () => this.#update());
		this.#update();
	}

	/** @type {import("../engine/said.js").Said[]} */
	get said() { return this.#recording.words[this.#chosen]?.said ?? []; }

	/** There are words. */
	get any() { return this.#recording.words.length > 0; }

	/** @param {() => void} listener is called when there are others */
	onChange(listener) { this.#listeners.push(listener); }

	#tell() {
		for (const listener of this.#listeners) listener();
	}

	#update() {
		const all = this.#recording.words;
		const names = all.map(({ file, by }) => file ? say("words.attached", { file: line(file, 60), by: line(by.replace(/ \([a-z-]+\)$/, ""), 40) }) : say("words.live"));
		const shown = JSON.stringify([names, all.map(({ said }) => said.length)]);
		if (shown === this.#shown) return;
		this.#shown = shown;
		this.#chosen = Math.min(this.#chosen, Math.max(0, all.length - 1));
		this.#select.replaceChildren(...names.map((name) => el("option", {}, name)));
		this.#select.selectedIndex = this.#chosen;
		this.node.replaceChildren(names.length > 1 ? this.#select : el("span", { class: "quiet" }, names[0] ?? ""));
		this.#tell();
	}
}
