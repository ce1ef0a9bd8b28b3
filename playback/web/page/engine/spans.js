/**
 * Lists of spans: [from, to) in seconds, sorted and apart. Pure.
 *
 * @typedef {[number, number]} Span
 */

/** find returns the index of the last span that begins by t, -1 if there is none. */
export function find(list, t) {
	let lo = 0, hi = list.length;
	while (lo < hi) {
		const mid = (lo + hi) >> 1;
		if (list[mid][0] <= t) lo = mid + 1;
		else hi = mid;
	}
	return lo - 1;
}

/** around returns the span that t is in, or null. */
export function around(list, t) {
	const i = find(list, t);
	return i >= 0 && t < list[i][1] ? list[i] : null;
}

/** within reports whether t is in one of the spans. */
export function within(list, t) {
	return around(list, t) !== null;
}

/** merge sorts spans, and makes one of those that touch or are no more than gap apart. */
export function merge(list, gap = 0) {
	const out = [];
	for (const [a, b] of list.filter(([a, b]) => b > a).sort((x, y) => x[0] - y[0])) {
		const last = out[out.length - 1];
		if (last && a <= last[1] + gap) last[1] = Math.max(last[1], b);
		else out.push([a, b]);
	}
	return out;
}

/**
 * lasting makes spans of what began and ended: [time, whether it began]. What
 * ended first had begun at from, what did not end lasts until to.
 */
export function lasting(marks, from, to) {
	const out = [];
	let since = null;
	marks.forEach(([t, on], i) => {
		if (on) since ??= t;
		else if (since !== null || i === 0) {
			out.push([since ?? from, t]);
			since = null;
		}
	});
	if (since !== null) out.push([since, to]);
	return merge(out);
}

/** intersect returns what is in both lists. */
export function intersect(x, y) {
	const out = [];
	for (let i = 0, j = 0; i < x.length && j < y.length;) {
		const a = Math.max(x[i][0], y[j][0]), b = Math.min(x[i][1], y[j][1]);
		if (b > a) out.push([a, b]);
		if (x[i][1] < y[j][1]) i++;
		else j++;
	}
	return out;
}

/** without returns what is between from and to and in none of the spans. */
export function without(list, from, to) {
	const out = [];
	let at = from;
	for (const [a, b] of list) {
		if (a > at) out.push([at, Math.min(a, to)]);
		at = Math.max(at, b);
		if (at >= to) break;
	}
	if (at < to) out.push([at, to]);
	return out.filter(([a, b]) => b > a);
}

/** since is how long ago the last span ended: 0 within one, Infinity before all. */
export function since(spans, t) {
	const i = find(spans, t);
	return i < 0 ? Infinity : Math.max(0, t - spans[i][1]);
}

/** total is how long the spans last together. */
export function total(spans) {
	return spans.reduce((sum, [a, b]) => sum + Math.max(0, b - a), 0);
}

/** visible are the spans between from and to, those closer than gap as one. */
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
