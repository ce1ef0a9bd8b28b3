/**
 * The page without a server: plays the recording that a link names, or those in a folder
 * that was picked. Its document is player.html, which package playback/site builds.
 */
import { showFault, showRefusal } from "../view/failure.js";
import { fillIcons } from "../view/icons.js";
import { fillWords, say } from "../view/language.js";
import { labelThemeButtons } from "../view/theme_button.js";
import { parts } from "./parts.js";
import { Start } from "./start.js";

async function main() {
	fillWords();
	fillIcons();
	labelThemeButtons();
	const begun = parts();
	if (!begun) {
		showRefusal("refused.framed");
		return null;
	}
	if (!isSecureContext) {
		showRefusal("refused.insecure");
		return null;
	}
	new Start({ link: () => say("start.noLink"), folder: () => say("start.noRecording") });
	return null;
}

/** What the page plays, once it does; null if it cannot. */
export const opened = main().catch((err) => {
	showFault(err);
	return null;
});
