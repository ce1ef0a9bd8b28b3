import { byID, el } from "../view/dom.js";
import { icon } from "../view/icons.js";
import { parts, say } from "../view/language.js";
import { bytes, date } from "../view/text.js";
import { copies, keepsCopies, removeCopy } from "./kept.js";
import { asks, filesOf, pickFolder } from "./pick.js";

/**
 * @typedef {object} Choices what can be opened, each with what to do about it. What they
 *     return says why it cannot be opened, for the reader; "" if it is being opened.
 * @property {(link: string) => string} link that was pasted in
 * @property {(picked: import("./folder.js").Picked[], link: string) => Promise<string>} folder
 *     link is what stands in the field for one
 * @property {(note: import("./kept.js").Note) => string} copy that this browser keeps
 */

/** A Start asks what to open, where the address does not say. */
export class Start {
	#root = byID("start");
	#error = el("p", { class: "error", role: "alert", id: "starterror" });
	#link = el("input", {
		type: "text", id: "startlink", autocomplete: "off", spellcheck: false, maxLength: 8200, "aria-describedby": "starterror",
		placeholder: say("start.link.hint"),
	});
	#field = el("input", { type: "file", id: "startfolder", class: "offscreen", tabIndex: -1, "aria-label": say("start.folder"), webkitdirectory: true });
	#kept = el("div", { class: "kept" });
	#choices;

	/**
	 * @param {Choices} choices
	 * @param {string} error that is known already
	 */
	constructor(choices, error) {
		this.#choices = choices;
		this.#field.addEventListener("change", () => this.#take(filesOf(this.#field)));
		const open = (/** @type {Event} */ event) => {
			event.preventDefault();
			this.#show(this.#choices.link(this.#link.value.trim()));
		};
		this.#root.replaceChildren(
			icon("lock"), el("h2", { id: "starthead" }, say("start.head")), el("p", { class: "quiet" }, say("start.text")), this.#error,
			el("form", { onsubmit: open }, el("label", { htmlFor: "startlink" }, say("start.link")),
				el("div", { class: "row" }, this.#link, el("button", { type: "submit", class: "textbutton primary" }, say("start.open")))),
			el("div", { class: "folder" }, el("p", { class: "place" }, say("start.orFolder")),
				el("p", { class: "quiet" }, parts("start.folder.hint", { command: el("code", {}, "sealtape copy") })),
				el("button", { type: "button", class: "textbutton", id: "pickfolder", onclick: () => this.#pick() }, say("start.folder"))),
			this.#field, this.#kept);
		this.#error.textContent = error;
		document.body.classList.remove("loading");
		document.body.classList.add("starting");
		byID("title").textContent = say("start.title");
		document.title = say("title.start");
		// With all that it shows, for a list that came later would move what is clicked on.
		this.#showKept().finally(() => { this.#root.hidden = false; });
	}

	async #showKept() {
		if (!await keepsCopies()) return;
		const list = await copies();
		/** @param {import("./kept.js").Note} note */
		const row = (note) => el("li", {},
			el("button", { type: "button", class: "textbutton", onclick: () => this.#show(this.#choices.copy(note)) }, note.id),
			el("span", { class: "quiet" }, note.whole ? say("start.keptWhen", { date: date(note.at), size: bytes(note.bytes) }) : say("start.keptPart", { date: date(note.at) })),
			el("button", { type: "button", class: "textbutton", onclick: () => removeCopy(note.id).then(() => this.#showKept()) }, say("keep.remove")));
		this.#kept.replaceChildren(...list.length ? [el("h3", {}, say("start.kept")), el("ul", {}, list.map(row))] : []);
	}

	/** close takes the question away: something is being opened. */
	close() {
		this.#root.hidden = true;
		document.body.classList.remove("starting");
		document.body.classList.add("loading");
	}

	async #pick() {
		if (!asks()) return this.#field.click();
		try {
			const picked = await pickFolder();
			if (picked) this.#take(picked);
		} catch {
			this.#field.click(); // the other way may be allowed
		}
	}

	/** @param {import("./folder.js").Picked[]} picked */
	async #take(picked) {
		this.#show(await this.#choices.folder(picked, this.#link.value.trim()));
	}

	/** @param {string} error */
	#show(error) {
		this.#error.textContent = error;
		if (!error) this.close();
	}
}
