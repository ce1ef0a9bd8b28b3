import { announce } from "../announce.js";
import { el } from "../dom.js";
import { say } from "../language.js";

/**
 * liveButton goes to what is newest of a recording that goes on, and says whether it
 * is there.
 * @param {import("../../engine/player.js").Player} player
 */
export function liveButton(player) {
	const words = el("span", {}, say("golive"));
	const node = el("button", {
		type: "button", class: "golive", id: "golive",
		onclick: () => {
			player.goLive();
			announce(say("live"));
		},
	}, el("span", { class: "dot" }), words);
	const update = () => {
		const atLive = player.atLive();
		node.hidden = !player.live;
		node.classList.toggle("on", atLive);
		words.textContent = say(atLive ? "live" : "golive");
	};
	player.on(["time", "state", "update"], update);
	update();
	return node;
}
