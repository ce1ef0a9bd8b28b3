/**
 * Where tiles go. Pure.
 *
 * @typedef {[x: number, y: number, width: number, height: number]} Rect
 *
 * @typedef {object} Plan
 * @property {Map<string, Rect>} rects by key, the large ones first
 * @property {number} large how many of them are large
 * @property {number} page from 0
 * @property {number} pages
 * @property {[x: number, y: number]} [pager] the middle of the pager, if there is one
 *
 * @typedef {object} Room what tiles are put into
 * @property {number} width
 * @property {number} height
 * @property {number} page the page asked for
 * @property {(a: string, b: string) => number} stable orders the keys of one page
 *
 * @typedef {{ keys: string[], page: number, pages: number }} Turned
 */

const gap = 8, padding = 8, ratio = 16 / 9;

/** How high the pager is. */
const pagerHeight = 38;

/** The narrowest tile on which a name can be read. */
const leastWidth = 96;

/**
 * best has the number of columns with which n tiles of 16:9 are largest in w x h.
 * @param {number} n
 * @param {number} w
 * @param {number} h
 */
function best(n, w, h) {
	let found = { columns: 1, width: 0 };
	for (let columns = 1; columns <= n; columns++) {
		const rows = Math.ceil(n / columns);
		const width = Math.min((w - gap * (columns - 1)) / columns, (h - gap * (rows - 1)) / rows * ratio);
		if (width > found.width) found = { columns, width };
	}
	return found;
}

/**
 * fill puts keys into a box, rows in the middle of it.
 * @param {Map<string, Rect>} rects
 * @param {string[]} keys
 * @param {Rect} box
 */
function fill(rects, keys, [x, y, w, h]) {
	if (keys.length === 0) return;
	const { columns, width } = best(keys.length, w, h);
	const height = width / ratio, rows = Math.ceil(keys.length / columns);
	const top = y + (h - rows * height - (rows - 1) * gap) / 2;
	keys.forEach((key, i) => {
		const row = Math.floor(i / columns);
		const inRow = Math.min(columns, keys.length - row * columns);
		const left = x + (w - inRow * width - (inRow - 1) * gap) / 2;
		rects.set(key, [left + (i % columns) * (width + gap), top + row * (height + gap), width, height]);
	});
}

/**
 * capacity is how many tiles fit that are still wide enough.
 * @param {number} n
 * @param {number} w
 * @param {number} h
 */
function capacity(n, w, h) {
	while (n > 1 && best(n, w, h).width < Math.min(leastWidth, w, h * ratio)) n--;
	return Math.max(1, n);
}

/**
 * turn has the keys of a page.
 * @param {string[]} keys
 * @param {number} size of a page
 * @param {Room} room
 * @returns {Turned}
 */
function turn(keys, size, room) {
	const pages = Math.max(1, Math.ceil(keys.length / size));
	const page = Math.min(Math.max(0, room.page), pages - 1);
	return { pages, page, keys: keys.slice(page * size, (page + 1) * size).sort(room.stable) };
}

/**
 * paged lays out within a height and, if that takes more than one page, again with
 * room for the pager.
 * @param {number} height
 * @param {(height: number) => { part: Turned, x: number, y: number }} lay returns the
 *     page, and the place of a pager's middle
 * @returns {{ page: number, pages: number, pager?: [number, number] }}
 */
function paged(height, lay) {
	const { part } = lay(height);
	if (part.pages < 2) return { page: part.page, pages: part.pages };
	const again = lay(height - pagerHeight);
	return { page: again.part.page, pages: again.part.pages, pager: [again.x, again.y] };
}

/**
 * grid gives all tiles the same size. keys are in the order of pages.
 * @param {string[]} keys
 * @param {Room} room
 * @returns {Plan}
 */
export function grid(keys, room) {
	/** @type {Map<string, Rect>} */
	const rects = new Map();
	const width = room.width - 2 * padding;
	const turned = paged(room.height - 2 * padding, (height) => {
		rects.clear();
		const part = turn(keys, capacity(keys.length, width, height), room);
		fill(rects, part.keys, [padding, padding, width, height]);
		return { part, x: room.width / 2, y: padding + height + gap / 2 };
	});
	return { rects, large: 0, ...turned };
}

/**
 * focus gives large tiles most of the room, and the rest a strip: beside them or below,
 * where that leaves them larger.
 * @param {string[]} large
 * @param {string[]} rest in the order of pages
 * @param {Room} room
 * @returns {Plan}
 */
export function focus(large, rest, room) {
	const width = room.width - 2 * padding, height = room.height - 2 * padding;
	if (rest.length === 0) {
		/** @type {Map<string, Rect>} */
		const rects = new Map();
		fill(rects, large, [padding, padding, width, height]);
		return { rects, large: large.length, page: 0, pages: 1 };
	}
	const [one, other] = [beside, below].map((lay) => {
		/** @type {Map<string, Rect>} */
		const rects = new Map();
		const turned = paged(height, (high) => lay({ rects, large, rest, width, height, room }, high));
		return { rects, large: large.length, ...turned };
	});
	/** @param {Plan} plan */
	const size = (plan) => plan.rects.get(large[0])?.[2] ?? 0;
	return size(one) >= size(other) ? one : other;
}

/**
 * @typedef {object} Strip
 * @property {Map<string, Rect>} rects filled
 * @property {string[]} large
 * @property {string[]} rest
 * @property {number} width of what is within the padding
 * @property {number} height
 * @property {Room} room
 */

/**
 * beside puts the strip on the right: one column, two where there are many.
 * @param {Strip} strip
 * @param {number} high how high the strip may be
 */
function beside({ rects, large, rest, width: w, height: h, room }, high) {
	rects.clear();
	let width = Math.min(Math.max(leastWidth, w * 0.19), 260, w / 3), columns = 1;
	const fits = () => Math.max(1, Math.floor((high + gap) / (width / ratio + gap))) * columns;
	if (fits() < rest.length && w > 720) {
		columns = 2;
		width = Math.min(Math.max(leastWidth, w * 0.13), 200);
	}
	const wide = columns * width + (columns - 1) * gap, height = width / ratio;
	const part = turn(rest, fits(), room);
	fill(rects, large, [padding, padding, w - wide - gap, h]);
	const rows = Math.ceil(part.keys.length / columns);
	const tall = rows * height + (rows - 1) * gap;
	const top = padding + Math.max(0, (high - tall) / 2), left = padding + w - wide;
	part.keys.forEach((key, i) => {
		const x = left + (i % columns) * (width + gap), y = top + Math.floor(i / columns) * (height + gap);
		rects.set(key, [x, y, width, height]);
	});
	return { part, x: left + wide / 2, y: top + tall + gap / 2 };
}

/**
 * below puts the strip under the large tiles, in one row: of three at least, where they can be read.
 * @param {Strip} strip
 * @param {number} h how high all of it may be
 */
function below({ rects, large, rest, width: w, room }, h) {
	rects.clear();
	const width = Math.min(Math.max(leastWidth, h * 0.22 * ratio), 230, h / 3 * ratio, Math.max(leastWidth, (w - 2 * gap) / 3));
	const height = width / ratio;
	const part = turn(rest, Math.max(1, Math.floor((w + gap) / (width + gap))), room);
	fill(rects, large, [padding, padding, w, h - height - gap]);
	const left = padding + (w - part.keys.length * width - (part.keys.length - 1) * gap) / 2;
	part.keys.forEach((key, i) => rects.set(key, [left + i * (width + gap), padding + h - height, width, height]));
	return { part, x: padding + w / 2, y: padding + h + gap / 2 };
}
