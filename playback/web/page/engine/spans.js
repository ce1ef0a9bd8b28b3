/**
 * Lists of spans [from, to) in seconds. A list is sorted, and its spans do not touch.
 * Pure.
 *
 * @typedef {[number, number]} Span
 */

/**
 * find returns the index of the last span that begins at t or before. If there is none,
 * it returns -1. It takes any list of arrays that is sorted by their first elements.
 * @param {readonly (readonly [number, ...any])[]} list
 * @param {number} t
 */
export function find(list, t) {
	let lo = 0, hi = list.length;
	while (lo < hi) {
		const mid = (lo + hi) >> 1;
		if (list[mid][0] <= t) lo = mid + 1;
		else hi = mid;
	}
	return lo - 1;
}

/**
 * around returns the span that contains t, or null.
 * @param {Span[]} list
 * @param {number} t
 */
export function around(list, t) {
	const i = find(list, t);
	return i >= 0 && t < list[i][1] ? list[i] : null;
}

/**
 * within reports whether one of the spans contains t.
 * @param {Span[]} list
 * @param {number} t
 */
export function within(list, t) {
	return around(list, t) !== null;
}

/**
 * merge returns a sorted list, in which spans that touch, or are no more than gap apart,
 * are joined. It does not change its argument.
 * @param {Span[]} list
 * @param {number} [gap]
 */
export function merge(list, gap = 0) {
	/** @type {Span[]} */
	const out = [];
	for (const [a, b] of list.filter(([a, b]) => b > a).sort((x, y) => x[0] - y[0])) {
		const last = out[out.length - 1];
		if (last && a <= last[1] + gap) last[1] = Math.max(last[1], b);
		else out.push([a, b]);
	}
	return out;
}

/**
 * lasting makes spans of marks: [time, whether something began or ended]. If the first
 * mark is an end, it began at from. What did not end lasts until to.
 * @param {[number, boolean][]} marks
 * @param {number} from
 * @param {number} to
 */
export function lasting(marks, from, to) {
	/** @type {Span[]} */
	const out = [];
	/** @type {number|null} */
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

/**
 * intersect returns the spans that are in both lists.
 * @param {Span[]} x
 * @param {Span[]} y
 */
export function intersect(x, y) {
	/** @type {Span[]} */
	const out = [];
	for (let i = 0, j = 0; i < x.length && j < y.length;) {
		const a = Math.max(x[i][0], y[j][0]), b = Math.min(x[i][1], y[j][1]);
		if (b > a) out.push([a, b]);
		if (x[i][1] < y[j][1]) i++;
		else j++;
	}
	return out;
}

/**
 * without returns the parts of [from, to) that are in none of the spans.
 * @param {Span[]} list
 * @param {number} from
 * @param {number} to
 */
export function without(list, from, to) {
	/** @type {Span[]} */
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

/**
 * since returns how long ago the last span ended. Within a span it is 0. Before the first
 * span it is Infinity.
 * @param {Span[]} list
 * @param {number} t
 */
export function since(list, t) {
	const i = find(list, t);
	return i < 0 ? Infinity : Math.max(0, t - list[i][1]);
}

/**
 * total returns the sum of the lengths of the spans.
 * @param {Span[]} list
 */
export function total(list) {
	return list.reduce((sum, [a, b]) => sum + Math.max(0, b - a), 0);
}

/**
 * visible returns the parts of the spans within [from, to), and joins those that are less
 * than gap apart.
 * @param {Span[]} list
 * @param {number} from
 * @param {number} to
 * @param {number} [gap]
 */
export function visible(list, from, to, gap = 0) {
	/** @type {Span[]} */
	const out = [];
	for (let i = Math.max(0, find(list, from)); i < list.length && list[i][0] < to; i++) {
		const a = Math.max(from, list[i][0]), b = Math.min(to, list[i][1]);
		if (b <= a) continue;
		if (out.length && a - out[out.length - 1][1] < gap) out[out.length - 1][1] = b;
		else out.push([a, b]);
	}
	return out;
}
