import { seekBy, seekTo } from "./controls/seek.js";
import { byID } from "./dom.js";
import { Help } from "./help.js";
import { meant, modified } from "./keys.js";
import { showTitle } from "./title.js";

/** What a frame of a picture lasts at the usual rate, in seconds. */
const frame = 1 / 25;

/**
 * @typedef {object} Shortcut
 * @property {string[]} shown the keys as the help has them
 * @property {string} words what they do
 * @property {string[]} keys as the browser names them on an English keyboard
 * @property {(key: string) => void} action
 */

/**
 * shortcuts are the keys as the common players have them, in the order of the help.
 * @param {import("../engine/player.js").Player} player
 * @param {import("./controls.js").Controls} controls
 * @param {import("./feed.js").Feed} feed
 * @returns {Shortcut[]}
 */
function shortcuts(player, controls, feed) {
	/** @type {(keys: string[], shown: string[], words: string, action: Shortcut["action"]) => Shortcut} */
	const row = (keys, shown, words, action) => ({ keys, shown, words, action });
	/** @param {number} by */
	const step = (by) => {
		player.pause();
		player.seek(Math.max(0, player.time + by * frame));
	};
	return [
		row([" ", "k"], ["Space", "K"], "Play or pause", () => controls.play.toggle()),
		row(["j", "l"], ["J", "L"], "Back or on by 10 seconds", (key) => seekBy(player, key === "j" ? -10 : 10)),
		row(["ArrowLeft", "ArrowRight"], ["←", "→"], "Back or on by 5 seconds", (key) => seekBy(player, key === "ArrowLeft" ? -5 : 5)),
		row([",", "."], [",", "."], "One frame back or on, paused", (key) => step(key === "," ? -1 : 1)),
		row([..."0123456789"], ["0", "–", "9"], "To 0 % … 90 %", (key) => seekTo(player, player.duration * Number(key) / 10)),
		row(["Home", "End"], ["Home", "End"], "To the beginning or the end", (key) => seekTo(player, key === "Home" ? 0 : player.duration)),
		row(["[", "]"], ["[", "]"], "To the line before or after, in chat and events", (key) => feed.step(key === "[" ? -1 : 1)),
		row(["ArrowUp", "ArrowDown"], ["↑", "↓"], "Louder or quieter", (key) => controls.volume.louder(key === "ArrowUp" ? 0.05 : -0.05)),
		row(["m"], ["M"], "Mute", () => controls.volume.mute()),
		row(["<", ">"], ["<", ">"], "Slower or faster", (key) => controls.rate.faster(key === "<" ? -1 : 1)),
		row(["s"], ["S"], "Skip silence", () => controls.skip.toggle()),
		row(["f"], ["F"], "Full screen", () => controls.fullscreen.toggle()),
		row(["g"], ["G"], "Grid, speaker or automatic layout", () => controls.layout.next()),
		row(["c"], ["C"], "Chat, events and people", () => controls.panel.toggle()),
		row(["t"], ["T"], "Timeline", () => controls.lanes.toggle()),
	];
}

/**
 * listenToKeys has keys do what the help lists.
 * @param {import("../engine/player.js").Player} player
 * @param {import("./controls.js").Controls} controls
 * @param {import("./feed.js").Feed} feed
 */
export function listenToKeys(player, controls, feed) {
	const rows = shortcuts(player, controls, feed);
	rows.push({ keys: ["?"], shown: ["?"], words: "This help", action: () => help.show() });
	const help = new Help(rows, () => showTitle(player.recording));
	byID("helpbutton").addEventListener("click", () => help.show());
	const actions = new Map(rows.flatMap(({ keys, action }) => keys.map((key) => [key, action])));
	document.addEventListener("keydown", (event) => {
		if (modified(event) || event.defaultPrevented || event.isComposing) return;
		if (document.querySelector("dialog[open]")) return;
		const key = meant(event, (k) => actions.has(k));
		const action = actions.get(key);
		if (!action || taken(event.target, event.key)) return;
		if (!help.lettersOn && event.key.length === 1 && key !== " " && key !== "?") return;
		event.preventDefault();
		action(key);
	});
}

/**
 * taken reports whether the control that has the keyboard uses a key itself.
 * @param {EventTarget|null} target
 * @param {string} key
 */
function taken(target, key) {
	if (!(target instanceof Element)) return false;
	if (target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]")) return true;
	if (target.closest("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(key);
	if (target.closest("button, a, summary, input, [role=tab]") && (key === " " || key === "Enter")) return true;
	if (target.closest(".lanelist") && /^(ArrowUp|ArrowDown)$/.test(key)) return true;
	return target.closest("[data-keys]") !== null && /^(Arrow|Home|End)/.test(key);
}
