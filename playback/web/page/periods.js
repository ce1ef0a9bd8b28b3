// Lists of [from, to], in seconds, sorted and apart.

// find is the index of the last span that begins at or before t, -1 for none.
export function find(spans, t) {
	let lo = 0, hi = spans?.length ?? 0;
	while (lo < hi) {
		const mid = (lo + hi) >> 1;
		if (spans[mid][0] <= t) lo = mid + 1;
		else hi = mid;
	}
	return lo - 1;
}

// within is the span that t is in, or null.
export function within(spans, t) {
	const i = find(spans, t);
	return i >= 0 && t < spans[i][1] ? spans[i] : null;
}

// since is how long ago the last span ended: 0 within one, Infinity before all.
export function since(spans, t) {
	const i = find(spans, t);
	return i < 0 ? Infinity : Math.max(0, t - spans[i][1]);
}

// total is how long the spans last together.
export function total(spans) {
	return (spans ?? []).reduce((sum, [a, b]) => sum + Math.max(0, b - a), 0);
}

// visible are the spans between from and to, those closer than gap as one.
export function visible(spans, from, to, gap = 0) {
	const out = [];
	for (let i = Math.max(0, find(spans, from)); i < (spans?.length ?? 0) && spans[i][0] < to; i++) {
		const a = Math.max(from, spans[i][0]), b = Math.min(to, spans[i][1]);
		if (b <= a) continue;
		if (out.length && a - out[out.length - 1][1] < gap) out[out.length - 1][1] = b;
		else out.push([a, b]);
	}
	return out;
}
