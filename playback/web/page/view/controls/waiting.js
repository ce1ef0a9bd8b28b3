import { el } from "../dom.js";
import { say } from "../language.js";
import { waitWords } from "../wait_words.js";

/**
 * waiting says that it waits, and why if the store does not answer.
 * @param {import("../../engine/player.js").Player} player
 */
export function waiting(player) {
	const words = el("span", {}, say("loading"));
	const node = el("span", { class: "waiting" }, el("span", { class: "spinner" }), words);
	const update = () => {
		node.hidden = !player.waiting;
		words.textContent = player.trouble ? waitWords(player.trouble) : say("loading");
	};
	player.on(["state", "update"], update);
	update();
	return node;
}
