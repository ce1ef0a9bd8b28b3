import { seekBy, seekTo } from "./controls/seek.js";
import { byID } from "./dom.js";
import { Help } from "./help.js";
import { meant, modified } from "./keys.js";
import { say } from "./language.js";
import { namesTitle, nameTitle, showTitle } from "./title.js";
import { toTurn } from "./turn_buttons.js";

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
	/** @type {(keys: string[], shown: string[], what: import("./language.js").Key, action: Shortcut["action"]) => Shortcut} */
	const row = (keys, shown, what, action) => ({ keys, shown, words: say(what), action });
	/** @param {number} by */
	const step = (by) => {
		player.pause();
		player.seek(Math.max(0, player.time + by * frame));
	};
	return [
		row([" ", "k"], [say("key.space"), "K"], "key.play", () => controls.play.toggle()),
		row(["j", "l"], ["J", "L"], "key.ten", (key) => seekBy(player, key === "j" ? -10 : 10)),
		row(["ArrowLeft", "ArrowRight"], ["←", "→"], "key.five", (key) => seekBy(player, key === "ArrowLeft" ? -5 : 5)),
		row([",", "."], [",", "."], "key.frame", (key) => step(key === "," ? -1 : 1)),
		row([..."0123456789"], ["0", "–", "9"], "key.part", (key) => seekTo(player, player.duration * Number(key) / 10)),
		row(["Home", "End"], [say("key.home"), say("key.end")], "key.ends", (key) => seekTo(player, key === "Home" ? 0 : player.duration)),
		row(["[", "]"], ["[", "]"], "key.line", (key) => feed.step(key === "[" ? -1 : 1)),
		row(["p", "n"], ["P", "N"], "key.turn", (key) => toTurn(player, key === "p" ? -1 : 1)),
		row(["ArrowUp", "ArrowDown"], ["↑", "↓"], "key.volume", (key) => controls.volume.louder(key === "ArrowUp" ? 0.05 : -0.05)),
		row(["m"], ["M"], "mute", () => controls.volume.mute()),
		row(["<", ">"], ["<", ">"], "key.rate", (key) => controls.rate.faster(key === "<" ? -1 : 1)),
		row(["s"], ["S"], "skipSilence", () => controls.skip.toggle()),
		row(["f"], ["F"], "fullscreen", () => controls.fullscreen.toggle()),
		row(["w"], ["W"], "captions", () => controls.captions.toggle()),
		row(["g"], ["G"], "key.layout", () => controls.layout.next()),
		row(["c"], ["C"], "panel", () => controls.panel.toggle()),
		row(["t"], ["T"], "timeline", () => controls.lanes.toggle()),
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
	rows.push({ keys: ["?"], shown: ["?"], words: say("key.help"), action: () => help.show() });
	const help = new Help(rows, [
		{
			words: say("title.setting"), on: namesTitle(), set: (on) => {
				nameTitle(on);
				showTitle(player.recording);
			},
		},
	]);
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
	}, { signal: player.over });
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
