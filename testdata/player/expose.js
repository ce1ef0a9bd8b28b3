// Puts what the page plays where tests find it: window.sealtape. It is evaluated
// before the page's own scripts, and imports the module that they are, which is
// there by then.
addEventListener("DOMContentLoaded", async () => {
	const script = document.querySelector("script[type=module]:is([src$='/view/watch.js'], [src^='page-'])"); // or that of a site
	if (script) window.sealtape = await (await import(script.src)).opened;
});

// Where the page leads the sound of an element through, which can have one such source in
// its life: window.sources, by element.
(() => {
	const sources = window.sources = new WeakMap(), { createMediaElementSource } = AudioContext.prototype;
	AudioContext.prototype.createMediaElementSource = function (element) {
		const source = createMediaElementSource.call(this, element);
		sources.set(element, source);
		return source;
	};
})();
