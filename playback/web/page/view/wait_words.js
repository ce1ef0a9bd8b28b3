import { say } from "./language.js";

/** @type {Record<import("../engine/source.js").Why, import("./language.js").Key>} */
const words = {
	store: "wait.store", silent: "wait.silent", broken: "wait.broken", foreign: "wait.foreign", status: "wait.status", click: "wait.click",
	expired: "wait.expired", ended: "wait.ended", refused: "wait.refused", cors: "wait.cors", clock: "wait.clock",
};

/**
 * waitWords says why it waits.
 * @param {import("../engine/source.js").Why} why
 */
export function waitWords(why) {
	return say(words[why] ?? "wait.store");
}
