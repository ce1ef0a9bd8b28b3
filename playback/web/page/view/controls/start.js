import { el } from "../dom.js";
import { icon } from "../icons.js";
import { say } from "../language.js";

/**
 * startButton is large and in the middle, until it plays for the first time.
 * @param {import("../../engine/player.js").Player} player
 * @param {() => void} toggle plays
 */
export function startButton(player, toggle) {
	const node = el("button", {
		type: "button", class: "start", "aria-label": say("play"),
		onclick: (/** @type {MouseEvent} */ event) => {
			event.stopPropagation();
			toggle();
		},
	}, icon("play"));
	player.on(["state"], () => node.hidden ||= !player.paused);
	return node;
}
