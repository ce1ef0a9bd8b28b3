/** The player page: plays the recording that its address names, from the command that serves it. */
import { HTTPSource } from "../engine/http_source.js";
import { byID } from "./dom.js";
import { showFault } from "./failure.js";
import { fillIcons } from "./icons.js";
import { fillWords } from "./language.js";
import { Parts } from "./parts.js";
import { labelThemeButtons } from "./theme_button.js";
import { watch } from "./watch_page.js";

async function main() {
	fillWords();
	fillIcons();
	labelThemeButtons();
	const id = decodeURIComponent(location.pathname.split("/").pop() ?? "");
	const source = new HTTPSource(), played = await watch(source, id);
	if (played) {
		const parts = new Parts(played.player, id, {
			meeting: (all) => source.meeting(id, all),
			go: (to) => location.assign(encodeURIComponent(to)),
		});
		byID("page").querySelector(".pagebuttons")?.prepend(parts.node);
	}
	return played;
}

/** What the page plays, once it does; null if it cannot. */
export const opened = main().catch((err) => {
	showFault(err);
	return null;
});
