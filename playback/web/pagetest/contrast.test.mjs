// The colours that the page names, by the figures of WCAG 2.2 at level AA: text stands
// out from what is behind it by 4.5, what tells something by its shape by 3.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../page/view/style.css", import.meta.url), "utf8");

/** colours has the value of each name, in light and in dark. */
const colours = new Map([...css.matchAll(/--([\w-]+):\s*(?:light-dark\((#\w{6}),\s*(#\w{6})\)|(#\w{6}));/g)]
	.map(([, name, light, dark, both]) => [name, [light ?? both, dark ?? both]]));

const textOn = {
	text: ["back", "surface", "raised", "hover", "accent-soft"],
	quiet: ["back", "surface", "raised", "hover", "accent-soft"],
	accent: ["surface", "raised", "accent-soft", "back", "hover"],
	good: ["surface", "raised", "good-back", "back"],
	warn: ["surface", "raised", "warn-back", "back"],
	bad: ["surface", "raised", "bad-back", "back"],
	live: ["bad-back"],
	"on-accent": ["accent-back"],
};

const shapeOn = {
	edge: ["surface", "back", "raised"],
	accent: ["surface", "back", "stage"],
	speaking: ["tile"],
	"lane-speaking": ["surface"],
	"lane-screen": ["surface"],
	"lane-hole": ["surface"],
};

/** @param {string} hex */
function light(hex) {
	const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
		.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @type {(a: string, b: string) => number} */
function ratio(a, b) {
	const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
	return (x + 0.05) / (y + 0.05);
}

test("the figures are WCAG's", () => {
	assert.equal(ratio("#000000", "#ffffff").toFixed(2), "21.00");
	assert.equal(ratio("#777777", "#ffffff").toFixed(2), "4.48");
});

for (const [what, table, least] of [["text", textOn, 4.5], ["a shape", shapeOn, 3]]) {
	test(`${what} stands out by ${least}`, () => {
		for (const [name, backs] of Object.entries(table)) {
			for (const back of backs) {
				["light", "dark"].forEach((theme, i) => {
					const [a, b] = [colours.get(name)?.[i], colours.get(back)?.[i]];
					assert.ok(a && b, `${name} on ${back}: a colour is not there`);
					assert.ok(ratio(a, b) >= least, `${theme}: ${name} on ${back} is ${ratio(a, b).toFixed(2)}`);
				});
			}
		}
	});
}
