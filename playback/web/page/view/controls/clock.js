import { el } from "../dom.js";
import { time } from "../text.js";

/**
 * clock shows where it is, and how long the recording is.
 * @param {import("../../engine/player.js").Player} player
 */
export function clock(player) {
	const now = el("span", { class: "now" }), all = el("span", { class: "all" });
	const update = () => {
		now.textContent = time(player.time);
		all.textContent = time(player.duration);
	};
	player.on(["time", "state", "update"], update);
	update();
	return el("div", { class: "clock" }, now, el("span", { class: "slash" }, "/"), all);
}
