/**
 * Dark or light: as the system says, until the reader chooses. A classic script in
 * the head, so that the page is never drawn in the other one first.
 */
(() => {
	const key = "sealtape.theme";
	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	let chosen = null;
	try {
		chosen = localStorage.getItem(key);
	} catch {
		// not remembered
	}
	if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

	const now = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
	const changed = () => {
		root.dataset.scheme = now();
		document.dispatchEvent(new Event("themechange"));
	};
	dark.addEventListener("change", changed);
	changed();
	document.addEventListener("click", (event) => {
		if (!(event.target instanceof Element && event.target.closest("[data-theme-toggle]"))) return;
		root.dataset.theme = now() === "dark" ? "light" : "dark";
		try {
			localStorage.setItem(key, root.dataset.theme);
		} catch {
			// not remembered
		}
		changed();
	});
})();
