import { toast } from "../announce.js";
import { button, el } from "../dom.js";
import { line } from "../text.js";

/**
 * shareButton copies a link to the moment. It holds no secret: whoever opens it needs
 * a key and the store. The browser does not know what opens it: a command does.
 * @param {import("../../engine/player.js").Player} player
 */
export function shareButton(player) {
	return button("link", "Copy a link to this moment", async () => {
		const t = Math.floor(player.time);
		const link = `sealtape:${player.recording.id}${t ? `#t=${t}` : ""}`;
		const command = `${line(player.recording.command, 400) || "sealtape play"} '${link}'`;
		if (await copy(link)) toast(`Copied ${link} – it opens with: ${command}`);
		else toast(`The link is ${link}`);
	}, { id: "share" });
}

/**
 * copy puts text on the clipboard, by the old way if the new one is refused. Returns
 * whether it is there.
 * @param {string} text
 */
async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = el("textarea", { class: "offscreen", value: text, readOnly: true });
		document.body.append(area);
		area.select();
		const ok = document.execCommand("copy");
		area.remove();
		return ok;
	}
}
