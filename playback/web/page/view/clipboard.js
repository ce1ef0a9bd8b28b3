import { el } from "./dom.js";

/**
 * copy puts text on the clipboard, by the old way if the new one is refused. Returns
 * whether it is there.
 * @param {string} text
 */
export async function copy(text) {
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

/** How long what is saved stays in memory, for a browser that asks where to, in milliseconds. */
const keepFor = 60000;

/**
 * save has the browser save a text as a file.
 * @param {string} name
 * @param {string} text
 */
export function save(name, text) {
	const href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
	el("a", { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), keepFor);
}
