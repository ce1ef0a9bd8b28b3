/** @type {Record<string, [plain: string, shifted: string]>} what signs' keys write on an English keyboard */
const signs = {
	BracketLeft: ["[", "["], BracketRight: ["]", "]"], Comma: [",", "<"], Period: [".", ">"], Slash: ["/", "?"],
};

/**
 * meant is the key that a shortcut goes by. What a key writes counts where shortcuts
 * have that: so it is with all Latin alphabets, wherever they have their letters. Where
 * a key writes a letter of another alphabet, or a sign that stands elsewhere, its place
 * counts: the key that writes K on an English keyboard is K.
 * @param {{ key: string, code: string, shiftKey: boolean }} event
 * @param {(key: string) => boolean} known whether there is a shortcut for it
 */
export function meant({ key, code, shiftKey }, known) {
	if (key.length !== 1) return key;
	const written = key.toLowerCase();
	if (known(written) || /[a-z]/.test(written)) return written;
	const place = /^(?:Key|Digit)(.)$/.exec(code)?.[1].toLowerCase() ?? signs[code]?.[shiftKey ? 1 : 0];
	return place !== undefined && known(place) ? place : written;
}

/**
 * modified reports whether a key is pressed with one that makes it another command:
 * not with AltGr, which writes signs.
 * @param {KeyboardEvent} event
 */
export function modified(event) {
	return event.metaKey || (event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph");
}
