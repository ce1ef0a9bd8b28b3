import { toast } from "../announce.js";
import { copy } from "../clipboard.js";
import { button } from "../dom.js";
import { say } from "../language.js";
import { line } from "../text.js";

/**
 * shareButton copies a link to the moment. It holds no secret: whoever opens it needs
 * a key and the store. The browser does not know what opens it: a command does.
 * @param {import("../../engine/player.js").Player} player
 */
export function shareButton(player) {
	return button("link", say("share"), async () => {
		const t = Math.floor(player.time);
		const link = `sealtape:${player.recording.id}${t ? `#t=${t}` : ""}`;
		const command = `${line(player.recording.command, 400) || "sealtape play"} '${link}'`;
		if (await copy(link)) toast(say("share.copied", { link, command }));
		else toast(say("share.link", { link }));
	}, { id: "share" });
}
