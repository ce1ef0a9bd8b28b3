// More about spans.js's lists of [from, to], for what is drawn and told.

import {find} from "./spans.js";

// since is how long ago the last span ended: 0 within one, Infinity before all.
export function since(spans, t) {
	const i = find(spans, t);
	return i < 0 ? Infinity : Math.max(0, t - spans[i][1]);
}

// total is how long the spans last together.
export function total(spans) {
	return spans.reduce((sum, [a, b]) => sum + Math.max(0, b - a), 0);
}

// visible are the spans between from and to, those closer than gap as one.
export function visible(spans, from, to, gap = 0) {
	const out = [];
	for (let i = Math.max(0, find(spans, from)); i < spans.length && spans[i][0] < to; i++) {
		const a = Math.max(from, spans[i][0]), b = Math.min(to, spans[i][1]);
		if (b <= a) continue;
		if (out.length && a - out[out.length - 1][1] < gap) out[out.length - 1][1] = b;
		else out.push([a, b]);
	}
	return out;
}
