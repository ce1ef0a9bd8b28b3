import assert from "node:assert/strict";
import { test } from "node:test";
import { meant } from "../page/view/keys.js";

/** Keys as browsers name them: what is written, where the key is, and whether Shift is down. */
const cases = [
	["English", "k", "KeyK", false, "k"],
	["English, with Caps Lock", "K", "KeyK", false, "k"],
	["English", "?", "Slash", true, "?"],
	["English", ">", "Period", true, ">"],
	["Russian", "л", "KeyK", false, "k"],
	["Russian, with Shift", "Ь", "KeyM", true, "m"],
	["Russian", "б", "Comma", false, ","],
	["Russian, with Shift", "Ю", "Period", true, ">"],
	["Greek", "ψ", "KeyC", false, "c"],
	["Hebrew", "ך", "KeyL", false, "l"],
	["Arabic", "ت", "KeyJ", false, "j"],
	["French, where M is", "m", "Semicolon", false, "m"],
	["French, where an English M would be", ",", "KeyM", false, ","],
	["French digits are shifted", "é", "Digit2", false, "2"],
	["French digits are shifted", "2", "Digit2", true, "2"],
	["German has ü where [ would be", "ü", "BracketLeft", false, "["],
	["German has [ behind AltGr", "[", "Digit8", false, "["],
	["Dvorak goes by its letters", "k", "KeyV", false, "k"],
	["Dvorak has other letters where ours are", "t", "KeyK", false, "t"],
	["a letter of no shortcut", "q", "KeyQ", false, "q"],
	["a named key", "ArrowLeft", "ArrowLeft", false, "ArrowLeft"],
	["the space bar", " ", "Space", false, " "],
];

const shortcuts = new Set(" kjl,.0123456789[]m<>sfgct?");

test("shortcuts are found on any keyboard", () => {
	for (const [layout, key, code, shiftKey, want] of cases) {
		assert.equal(meant({ key, code, shiftKey }, (k) => shortcuts.has(k)), want, `${layout}: ${key}`);
	}
});
