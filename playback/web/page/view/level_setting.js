import { el } from "./dom.js";
import { say } from "./language.js";
import { store } from "./settings.js";

/**
 * levelSetting is the box that says whether all speakers are equally loud, for this visit
 * and later ones.
 * @param {import("../engine/player.js").Player} player
 */
export function levelSetting(player) {
	const box = el("input", {
		type: "checkbox", checked: player.levelled, onchange: () => {
			player.levelled = box.checked;
			store("level", box.checked ? "1" : "0");
		},
	});
	return el("label", { class: "check level" }, box, say("level.setting"));
}
