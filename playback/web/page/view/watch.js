/** The player page: plays the recording that its address names, from the command that serves it. */
import { HTTPSource } from "../engine/http_source.js";
import { showFault } from "./failure.js";
import { fillIcons } from "./icons.js";
import { fillWords } from "./language.js";
import { NextPart } from "./next_part.js";
import { labelThemeButtons } from "./theme_button.js";
import { watch } from "./watch_page.js";

async function main() {
	fillWords();
	fillIcons();
	labelThemeButtons();
	const id = decodeURIComponent(location.pathname.split("/").pop() ?? "");
	const source = new HTTPSource(), played = await watch(source, id);
	if (played) new NextPart(played.player, source, id);
	return played;
}

/** What the page plays, once it does; null if it cannot. */
export const opened = main().catch((err) => {
	showFault(err);
	return null;
});
