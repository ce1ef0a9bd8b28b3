import assert from "node:assert/strict";
import test from "node:test";
import { focus, grid } from "../page/view/layout.js";

const keys = (n) => Array.from({ length: n }, (_, i) => `p:${i}`);
const stable = (a, b) => Number(a.slice(2)) - Number(b.slice(2));

// fits checks that tiles are in the box, apart, and wide enough to be read.
function fits({ rects }, w, h, what) {
	const all = [...rects];
	all.forEach(([key, [x, y, tw, th]], i) => {
		assert.ok(x >= -0.01 && y >= -0.01 && x + tw <= w + 0.01 && y + th <= h + 0.01, `${what}: ${key} is outside`);
		assert.ok(tw > 40 && Math.abs(tw / th - 16 / 9) < 0.01, `${what}: ${key} is ${tw} by ${th}`);
		for (const [other, [a, b, ow, oh]] of all.slice(i + 1)) {
			assert.ok(x + tw <= a + 0.01 || a + ow <= x + 0.01 || y + th <= b + 0.01 || b + oh <= y + 0.01, `${what}: ${key} is over ${other}`);
		}
	});
}

test("tiles are on the stage and apart, everybody is on a page", () => {
	for (const [w, h] of [[1040, 520], [390, 260], [1900, 900], [600, 900], [240, 200]]) {
		for (const n of [1, 2, 3, 5, 9, 30, 100]) {
			const room = (page) => ({ width: w, height: h, page, stable });
			for (const [what, lay] of [
				["grid", (page) => grid(keys(n), room(page))],
				["focus", (page) => focus(["s:1"], keys(n), room(page))],
				["two", (page) => focus(["s:1", "s:2"], keys(n), room(page))],
			]) {
				const seen = new Set();
				const pages = lay(0).pages;
				for (let page = 0; page < pages; page++) {
					const plan = lay(page);
					fits(plan, w, h, `${what} of ${n} in ${w}x${h}`);
					if (pages > 1) assert.ok(plan.pager[1] + 34 <= h + 12, `${what} of ${n} in ${w}x${h}: the pager is at ${plan.pager}`);
					for (const key of plan.rects.keys()) seen.add(key);
				}
				assert.equal([...seen].filter((key) => key.startsWith("p:")).length, n, `${what} of ${n} in ${w}x${h}`);
			}
		}
	}
});

test("no page is beyond the last", () => {
	assert.equal(grid(keys(3), { width: 1000, height: 500, page: 7, stable }).page, 0);
	assert.equal(focus(["s:1"], [], { width: 1000, height: 500, page: 7, stable }).pages, 1);
});

test("a screen gets the width of a narrow window, and the height of a wide one", () => {
	const screen = (width, height) => focus(["s:1"], keys(5), { width, height, page: 0, stable }).rects.get("s:1");
	assert.ok(screen(390, 350)[2] > 360);
	assert.ok(screen(320, 310)[2] > 290);
	assert.ok(screen(844, 260)[3] > 240);
});
