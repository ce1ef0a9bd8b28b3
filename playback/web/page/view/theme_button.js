import { say } from "./language.js";

/** labelThemeButtons has each button for dark and light say which one it makes. */
export function labelThemeButtons() {
	const label = () => {
		const words = say(document.documentElement.dataset.scheme === "dark" ? "theme.light" : "theme.dark");
		for (const b of document.querySelectorAll("[data-theme-toggle]")) {
			b.setAttribute("aria-label", words);
			b.setAttribute("title", words);
		}
	};
	document.addEventListener("themechange", label);
	label();
}
