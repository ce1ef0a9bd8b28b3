import { say } from "./language.js";
import { stored, store } from "./settings.js";
import { line } from "./text.js";

/** What the page is called where a recording's name is nobody's business. */
const neutral = say("title.recording");

/**
 * titleOf is what a recording is called.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} most characters
 */
export function titleOf(recording, most) {
	return line(recording.title || recording.room, most) || say("badge.unnamed", { id: recording.id });
}

/** namesTitle is whether the page's title, and with it the browser's history, has the recording's name. */
export function namesTitle() {
	return stored("title", "0") === "1";
}

/**
 * nameTitle sets that, for this visit and later ones.
 * @param {boolean} on
 */
export function nameTitle(on) {
	store("title", on ? "1" : "0");
}

/**
 * showTitle puts a recording's name into the page's title, or keeps it out.
 * @param {import("../engine/recording.js").Recording} recording
 */
export function showTitle(recording) {
	document.title = namesTitle() ? say("title.watch", { name: titleOf(recording, 80) }) : neutral;
}
