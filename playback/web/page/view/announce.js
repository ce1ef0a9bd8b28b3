/** How long a message is shown, in milliseconds. */
const shownFor = 5000;

let count = 0;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let hiding;

/**
 * announce tells assistive technology what changed, politely. The same words twice
 * are said twice.
 * @param {string} text
 */
export function announce(text) {
	const region = document.getElementById("live");
	if (region) region.textContent = text + (count++ % 2 ? "\u00a0" : "");
}

/**
 * toast shows a short message for some seconds, and announces it.
 * @param {string} text
 */
export function toast(text) {
	const box = document.getElementById("toast");
	if (box) {
		(document.fullscreenElement ?? document.body).append(box); // what is in full screen hides all else
		box.textContent = text;
		box.classList.add("shown");
		clearTimeout(hiding);
		hiding = setTimeout(() => box.classList.remove("shown"), shownFor);
	}
	announce(text);
}
