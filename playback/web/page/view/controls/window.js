import { toast } from "../announce.js";
import { button, el, relabel } from "../dom.js";
import { say } from "../language.js";

/** The window's size at first, in pixels. */
const width = 480, height = 270;

/** @returns {{ requestWindow: (options: object) => Promise<Window> }|undefined} what opens a small window that stays on top */
const opener = () => Reflect.get(window, "documentPictureInPicture");

/** windowsAllowed says whether this browser has small windows for parts of a page. */
export function windowsAllowed() {
	return opener() !== undefined;
}

/** A WindowButton puts the stage into a small window of its own, which stays on top, and takes it back. */
export class WindowButton {
	#player;
	#stage;
	#toggle;
	/** @type {Window|null} */
	#window = null;
	#place = el("div", { class: "apart" }, el("p", {}, say("window.apart")),
		el("button", { type: "button", class: "textbutton", onclick: () => this.toggle() }, say("window.back")));
	node = button("window", say("window.open"), () => this.toggle(), { id: "window", "aria-pressed": "false" });

	/**
	 * @param {import("../../engine/player.js").Player} player
	 * @param {HTMLElement} stage
	 * @param {() => void} toggle plays or pauses
	 */
	constructor(player, stage, toggle) {
		this.#player = player;
		this.#stage = stage;
		this.#toggle = toggle;
		player.over.addEventListener("abort", () => this.#window?.close());
	}

	async toggle() {
		if (this.#window) {
			this.#window.close();
			return;
		}
		try {
			const opened = await opener()?.requestWindow({ width, height });
			if (opened) this.#moveTo(opened);
		} catch {
			toast(say("window.refused"));
		}
	}

	/** @param {Window} opened */
	#moveTo(opened) {
		const { document: there } = opened, root = there.documentElement, ours = document.documentElement;
		for (const name of ["lang", "dir", "data-theme", "data-scheme"]) {
			const value = ours.getAttribute(name);
			if (value !== null) root.setAttribute(name, value);
		}
		there.title = document.title;
		for (const sheet of document.styleSheets) {
			if (sheet.href) there.head.append(el("link", { rel: "stylesheet", href: sheet.href }));
		}
		there.body.className = "pictures";
		this.#window = opened;
		this.#stage.replaceWith(this.#place);
		there.body.append(this.#stage);
		there.addEventListener("keydown", (event) => {
			if (event.key !== " " && event.key !== "k" || event.ctrlKey || event.metaKey || event.altKey) return;
			event.preventDefault();
			this.#toggle();
		});
		opened.addEventListener("pagehide", () => this.#takeBack(), { once: true });
		this.#show(true);
	}

	#takeBack() {
		this.#window = null;
		this.#place.replaceWith(this.#stage);
		this.#show(false);
	}

	/** @param {boolean} apart */
	#show(apart) {
		this.node.setAttribute("aria-pressed", String(apart));
		relabel(this.node, say(apart ? "window.back" : "window.open"));
		if (!this.#player.over.aborted) this.#player.moved(apart);
	}
}
