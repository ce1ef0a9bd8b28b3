import { announce } from "../announce.js";
import { button } from "../dom.js";
import { say } from "../language.js";
import { stateAt } from "../moment.js";
import { spokenTime } from "../text.js";

/** @typedef {import("../../engine/player.js").Player} Player */

/**
 * seekTo goes to t, and says what is there.
 * @param {Player} player
 * @param {number} t
 */
export function seekTo(player, t) {
	t = Math.min(player.duration, Math.max(0, t));
	player.seek(t);
	const state = stateAt(player.recording, t);
	announce([spokenTime(t), state].filter(Boolean).join(", "));
}

/**
 * seekBy goes on, or back.
 * @param {Player} player
 * @param {number} seconds
 */
export function seekBy(player, seconds) {
	seekTo(player, player.time + seconds);
}

/** @param {Player} player */
export function backButton(player) {
	return button("back", say("back"), () => seekBy(player, -10), { class: "iconbutton wide", "aria-keyshortcuts": "j" });
}
