import { byID, el } from "./dom.js";
import { icon } from "./icons.js";
import { line } from "./text.js";

/**
 * @typedef {object} Failure why there is nothing to see
 * @property {string} icon
 * @property {string} head
 * @property {string} hint how to go on
 * @property {boolean} again whether to try again helps
 */

/** @type {Record<import("../engine/source.js").TroubleKind, Failure>} */
const failures = {
	locked: { icon: "lock", head: "Locked", hint: "One of its readers can grant you access with sealtape share.", again: false },
	failed: {
		icon: "alert", head: "Failed verification",
		hint: "This is not what was recorded, so none of it is played. sealtape verify says more.", again: false,
	},
	gone: { icon: "search", head: "No such recording", hint: "It may have been pruned, or is in another store.", again: false },
	later: {
		icon: "alert", head: "Cannot open this recording", hint: "The store or the command does not answer at the moment.", again: true,
	},
};

/** @type {Failure} */
const fault = { icon: "alert", head: "The page has failed", hint: "This is a fault of the player.", again: true };

/**
 * showFailure shows why a recording cannot be opened.
 * @param {import("../engine/source.js").Trouble} trouble
 */
export function showFailure(trouble) {
	show(failures[trouble.kind], trouble.message);
}

/**
 * showFault shows that the page itself has failed.
 * @param {unknown} err
 */
export function showFault(err) {
	show(fault, err instanceof Error ? err.message : String(err));
}

/**
 * @param {Failure} failure
 * @param {string} text
 */
function show({ icon: name, head, hint, again }, text) {
	document.body.classList.remove("loading");
	document.body.classList.add("failed");
	byID("title").textContent = head;
	byID("subtitle").textContent = "";
	const box = byID("message");
	box.hidden = false;
	const reload = el("button", { type: "button", class: "textbutton primary", onclick: () => location.reload() }, "Try again");
	const actions = el("div", { class: "actions" }, again && reload, el("a", { class: "textbutton", href: "../" }, "All recordings"));
	box.replaceChildren(icon(name), el("h2", { id: "messagehead" }, head), el("p", {}, el("bdi", {}, line(text, 600))),
		el("p", { class: "quiet" }, hint), actions);
}
