import { byID, el } from "./dom.js";
import { icon } from "./icons.js";
import { parts, say } from "./language.js";
import { line } from "./text.js";
import { waitWords } from "./wait_words.js";

/** @typedef {import("./language.js").Key} Key */

/**
 * @typedef {object} Failure why there is nothing to see
 * @property {string} icon
 * @property {Key} head
 * @property {Key|""} text
 * @property {Key|""} hint how to go on
 * @property {string} command that the hint names
 * @property {boolean} again whether to try again helps
 * @property {boolean} [home] whether there is a page to go back to; true if not said
 */

/** @type {Record<import("../engine/source.js").TroubleKind, Failure>} */
const failures = {
	locked: {
		icon: "lock", head: "trouble.locked", text: "trouble.locked.text", hint: "trouble.locked.hint", command: "sealtape share", again: false,
	},
	failed: {
		icon: "alert", head: "trouble.failed", text: "trouble.failed.text", hint: "trouble.failed.hint", command: "sealtape verify", again: false,
	},
	gone: { icon: "search", head: "trouble.gone", text: "trouble.gone.text", hint: "trouble.gone.hint", command: "", again: false },
	"rolled-back": {
		icon: "alert", head: "trouble.rolledBack", text: "trouble.rolledBack.text", hint: "trouble.rolledBack.hint", command: "", again: false,
	},
	foreign: { icon: "alert", head: "trouble.foreign", text: "trouble.foreign.text", hint: "trouble.foreign.hint", command: "", again: false },
	later: { icon: "alert", head: "trouble.later", text: "", hint: "trouble.later.hint", command: "", again: true },
};

/** @type {Partial<Record<import("../engine/source.js").Why, Partial<Failure>>>} what may pass, but not by waiting */
const lasting = {
	refused: { hint: "trouble.refused.hint" },
	cors: { hint: "trouble.cors.hint", command: ["sealtape", "doctor", "--web", location.origin].join(" ") },
	clock: { hint: "trouble.clock.hint" },
	expired: { hint: "", again: false },
};

/** @type {Failure} */
const fault = { icon: "alert", head: "trouble.fault", text: "", hint: "trouble.fault.hint", command: "", again: true };

/**
 * showFailure shows why a recording cannot be opened.
 * @param {import("../engine/source.js").Trouble} trouble
 * @param {() => void} [again] tries again, where that may help; the page is loaded anew without it, and
 *     where what decrypts did not run
 */
export function showFailure(trouble, again = reload) {
	const failure = { ...failures[trouble.kind], ...(trouble.kind === "later" && lasting[trouble.why]) };
	show(failure, failure.text ? say(failure.text) : waitWords(trouble.why), trouble.why === "ended" ? reload : again);
}

function reload() {
	location.reload();
}

/** showOldBrowser shows that the browser lacks what playing takes. */
export function showOldBrowser() {
	show({ ...fault, head: "trouble.later", hint: "trouble.browser.hint", again: false }, say("trouble.browser.text"));
}

/**
 * showFault shows that the page itself has failed.
 * @param {unknown} err
 */
export function showFault(err) {
	show(fault, line(err instanceof Error ? err.message : err, 600));
}

/** @type {Record<"framed"|"insecure", { head: Key, text: Key }>} */
const refusals = {
	framed: { head: "refused.framed", text: "refused.framed.text" }, insecure: { head: "refused.insecure", text: "refused.insecure.text" },
};

/**
 * showRefusal shows why the page does not run where it is.
 * @param {"framed"|"insecure"} why
 */
export function showRefusal(why) {
	const { head, text } = refusals[why];
	show({ icon: "alert", head, text, hint: "", command: "", again: false, home: false }, say(text));
}

/**
 * @param {Failure} failure
 * @param {string} text
 * @param {() => void} [tryAgain]
 */
function show({ icon: name, head, hint, command, again, home = true }, text, tryAgain = reload) {
	document.body.classList.remove("loading");
	document.body.classList.add("failed");
	byID("title").textContent = say(head);
	byID("subtitle").textContent = "";
	const box = byID("message");
	box.hidden = false;
	const retry = el("button", { type: "button", class: "textbutton primary", onclick: () => tryAgain() }, say("tryAgain"));
	const actions = el("div", { class: "actions" }, again && retry, home && el("a", { class: "textbutton", href: byID("home").getAttribute("href") }, byID("home").title));
	box.replaceChildren(icon(name), el("h2", { id: "messagehead" }, say(head)), el("p", {}, el("bdi", {}, text)),
		hint && el("p", { class: "quiet" }, ...parts(hint, { command: el("code", {}, command) })), actions);
}
