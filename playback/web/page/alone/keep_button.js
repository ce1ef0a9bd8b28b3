import { button, byID, el } from "../view/dom.js";
import { say } from "../view/language.js";
import { bytes } from "../view/text.js";
import { copies, keepsCopies, removeCopy } from "./kept.js";
import { asks } from "./pick.js";

/** @typedef {import("../view/language.js").Key} Key */

/** @type {Record<string, Key>} why a copy was not made, by the worker's word for it */
const failures = { full: "keep.full", denied: "keep.denied", expired: "keep.expired" };

/**
 * A KeepButton offers to keep a copy of the recording that an invitation names: sealed, in
 * this browser or in a folder. It goes on while the recording is played.
 */
export class KeepButton {
	/** @type {Worker|null} while it copies */
	#worker = null;
	#status = el("p", { role: "status" });
	#bar = el("progress", { hidden: true, "aria-label": say("keep") });
	#actions = el("div", { class: "actions" });
	#invitation;
	#told;
	#id;
	#popover;

	/**
	 * @param {{ id: string, invitation: string, told: string }} what told is the invitation as it may be kept
	 * @param {import("../view/popover.js").Popover} popover
	 * @param {AbortSignal} over ends what it does
	 */
	constructor({ id, invitation, told }, popover, over) {
		this.#id = id;
		this.#invitation = invitation;
		this.#told = told;
		this.#popover = popover;
		this.node = button("download", say("keep"), () => this.#open(), { id: "keep", "aria-haspopup": "dialog" });
		byID("helpbutton").before(this.node);
		over.addEventListener("abort", () => this.#worker?.terminate());
	}

	async #open() {
		await this.#update();
		this.#popover.show(this.node, [el("div", { class: "explain" }, say("keep.text")), this.#status, this.#bar, this.#actions], say("keep"), false);
	}

	/** update offers what can be done now. */
	async #update() {
		const inBrowser = await keepsCopies();
		const there = inBrowser && !this.#worker ? (await copies()).find(({ id }) => id === this.#id) : undefined;
		if (there?.whole) this.#status.textContent = say("keep.done", { size: bytes(there.bytes) });
		/** @type {(words: Key, act: () => void) => HTMLElement} */
		const action = (words, act) => el("button", { type: "button", class: "textbutton", onclick: act }, say(words));
		this.#actions.replaceChildren(...this.#worker ? [action("keep.stop", () => this.#end(""))] : [
			inBrowser && !there?.whole && action("keep.browser", () => this.#begin(null)),
			asks() && action("keep.folder", () => this.#pick()),
			there && action("keep.remove", () => this.#remove()),
		].filter((node) => node instanceof Node));
	}

	async #pick() {
		try {
			this.#begin(await /** @type {any} */ (globalThis).showDirectoryPicker({ id: "sealtape-copy", mode: "readwrite" }));
		} catch {
			// none was picked
		}
	}

	/** @param {FileSystemDirectoryHandle|null} folder null for the browser */
	#begin(folder) {
		navigator.storage?.persist?.();
		this.#worker = new Worker(new URL("./keep_worker.js", import.meta.url));
		this.#worker.onmessage = ({ data }) => this.#report(data);
		this.#worker.onerror = () => this.#end(say("keep.away"));
		/** @type {import("./keep_worker.js").Order} */
		const order = { invitation: this.#invitation, told: this.#told, folder };
		this.#worker.postMessage(order);
		this.#update();
	}

	/** @param {import("./keep_worker.js").Report} report */
	#report({ progress, done, failed }) {
		if (failed) return this.#end(say(failures[failed] ?? "keep.away"));
		if (!progress) return;
		const { objects, of, left } = progress, size = bytes(progress.bytes);
		this.#bar.hidden = false;
		this.#bar.max = Math.max(1, of);
		this.#bar.value = objects;
		if (done) this.#end(left > 0 ? say("keep.part", { n: left, size }) : say("keep.done", { size }));
		else this.#status.textContent = say("keep.progress", { some: objects, n: of, size });
	}

	/** @param {string} words */
	#end(words) {
		this.#worker?.terminate();
		this.#worker = null;
		this.#bar.hidden = true;
		this.#status.textContent = words;
		this.#update();
	}

	async #remove() {
		await removeCopy(this.#id);
		this.#end(say("keep.removed"));
	}
}
