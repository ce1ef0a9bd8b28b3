import { closest, el } from "./dom.js";
import { say } from "./language.js";
import { foreignHost } from "./links.js";
import { line } from "./text.js";

/**
 * A LinkQuestion asks before a link in what somebody wrote is followed, and shows where
 * it leads, as browsers know it.
 */
export class LinkQuestion {
	#address = el("p", { class: "address", id: "linkaddress", dir: "ltr" });
	#note = el("p", { class: "note" });
	#open = el("a", { class: "textbutton primary", rel: "noreferrer noopener", target: "_blank", onclick: () => this.#dialog.close() }, say("link.open"));
	#dialog = el("dialog", { class: "question", id: "linkquestion", "aria-labelledby": "linktitle", "aria-describedby": "linkaddress", tabIndex: -1 },
		el("h2", { id: "linktitle" }, say("link.ask")), this.#address, this.#note, el("p", { class: "quiet" }, say("link.hint")),
		el("div", { class: "actions" }, this.#open,
			el("button", { type: "button", class: "textbutton", onclick: () => this.#dialog.close() }, say("link.stay"))));

	/** @param {AbortSignal} over once that is aborted it asks no more */
	constructor(over) {
		document.body.append(this.#dialog);
		this.#dialog.addEventListener("click", (event) => {
			if (event.target === this.#dialog) this.#dialog.close();
		});
		for (const type of ["click", "auxclick"]) {
			document.addEventListener(type, (event) => {
				const link = closest(event, "a.elsewhere");
				if (!(link instanceof HTMLAnchorElement)) return;
				event.preventDefault();
				event.stopPropagation();
				this.#ask(link);
			}, { capture: true, signal: over });
		}
	}

	/** @param {HTMLAnchorElement} link */
	#ask(link) {
		const url = new URL(link.href), { hostname } = url, [before, after] = split(url.href, hostname);
		this.#address.replaceChildren(before, el("strong", {}, hostname), after);
		const foreign = foreignHost(link.textContent, url), puny = /(^|\.)xn--/.test(hostname);
		this.#note.hidden = !foreign && !puny;
		this.#note.textContent = say("link.foreign", { written: line(foreign || hostname, 100), host: hostname });
		this.#open.href = url.href;
		(document.fullscreenElement ?? document.body).append(this.#dialog);
		this.#dialog.showModal();
		// No button has the keyboard: the Enter that followed the link must not answer.
		this.#dialog.focus();
	}
}

/**
 * split returns what of an address is before its host, and what is after.
 * @param {string} address
 * @param {string} host
 */
function split(address, host) {
	const at = address.indexOf(host);
	return [address.slice(0, at), address.slice(at + host.length)];
}
