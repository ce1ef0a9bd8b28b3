import { el } from "../dom.js";
import { line } from "../text.js";

/**
 * waiting says that it waits, and why if the store does not answer.
 * @param {import("../../engine/player.js").Player} player
 */
export function waiting(player) {
	const words = el("span", {}, "Loading");
	const node = el("span", { class: "waiting" }, el("span", { class: "spinner" }), words);
	const update = () => {
		node.hidden = !player.waiting;
		words.textContent = line(player.trouble, 120) || "Loading";
	};
	player.on(["state", "update"], update);
	update();
	return node;
}
