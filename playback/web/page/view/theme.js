// Dark or light: as the system says, until the reader chooses. A classic script
// in the head, so that the page is never drawn in the other one first.
(() => {
	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	let chosen = null;
	try {
		chosen = localStorage.getItem("sealtape.theme");
	} catch {
		// not remembered
	}
	if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

	const now = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
	const tell = () => {
		for (const b of document.querySelectorAll("[data-theme-toggle]")) {
			const words = now() === "dark" ? "Light theme" : "Dark theme";
			b.setAttribute("aria-label", words);
			b.title = words;
		}
		document.dispatchEvent(new Event("themechange"));
	};
	dark.addEventListener("change", tell);
	document.addEventListener("DOMContentLoaded", tell);
	document.addEventListener("click", (event) => {
		if (!event.target.closest?.("[data-theme-toggle]")) return;
		root.dataset.theme = now() === "dark" ? "light" : "dark";
		try {
			localStorage.setItem("sealtape.theme", root.dataset.theme);
		} catch {
			// not remembered
		}
		tell();
	});
})();
