// Where tiles go: rectangles [x, y, width, height] by key. No DOM here.

const GAP = 8, PAD = 8, RATIO = 16 / 9;
const LEAST = 128; // the narrowest tile on which a name can be read

// best has the number of columns with which n tiles of 16:9 are largest in w x h.
function best(n, w, h) {
	let found = {columns: 1, width: 0};
	for (let columns = 1; columns <= n; columns++) {
		const rows = Math.ceil(n / columns);
		const width = Math.min((w - GAP * (columns - 1)) / columns, (h - GAP * (rows - 1)) / rows * RATIO);
		if (width > found.width) found = {columns, width};
	}
	return found;
}

// fill puts keys into a box, rows in the middle of it.
function fill(rects, keys, x, y, w, h) {
	if (keys.length === 0) return;
	const {columns, width} = best(keys.length, w, h);
	const height = width / RATIO, rows = Math.ceil(keys.length / columns);
	const top = y + (h - rows * height - (rows - 1) * GAP) / 2;
	keys.forEach((key, i) => {
		const row = Math.floor(i / columns);
		const inRow = Math.min(columns, keys.length - row * columns);
		const left = x + (w - inRow * width - (inRow - 1) * GAP) / 2;
		rects.set(key, [left + (i % columns) * (width + GAP), top + row * (height + GAP), width, height]);
	});
}

// capacity is how many tiles fit that are still wide enough.
function capacity(n, w, h) {
	while (n > 1 && best(n, w, h).width < Math.min(LEAST, w, h * RATIO)) n--;
	return Math.max(1, n);
}

function turn(keys, size, page, stable) {
	const pages = Math.max(1, Math.ceil(keys.length / size));
	page = Math.min(Math.max(0, page), pages - 1);
	return {pages, page, keys: keys.slice(page * size, (page + 1) * size).sort(stable)};
}

// grid gives all tiles the same size. keys are in the order of pages, stable
// orders those of one page.
export function grid(keys, w, h, page, stable) {
	const rects = new Map();
	const box = [w - 2 * PAD, h - 2 * PAD];
	const all = turn(keys, capacity(keys.length, ...box), page, stable);
	fill(rects, all.keys, PAD, PAD, ...box);
	return {rects, large: 0, page: all.page, pages: all.pages};
}

// focus gives large tiles most of the room, and the rest a strip beside or below.
export function focus(large, rest, w, h, page, stable) {
	const rects = new Map();
	const W = w - 2 * PAD, H = h - 2 * PAD;
	if (rest.length === 0) {
		fill(rects, large, PAD, PAD, W, H);
		return {rects, large: large.length, page: 0, pages: 1};
	}
	if (W > 1.35 * H) {
		// One column, two where there are many. It is as wide as a tile is high
		// enough for, and never more than a third.
		let width = Math.min(Math.max(LEAST, W * 0.19), 260, W / 3), columns = 1;
		const fits = () => Math.max(1, Math.floor((H + GAP) / (width / RATIO + GAP))) * columns;
		if (fits() < rest.length && W > 720) {
			columns = 2;
			width = Math.min(Math.max(LEAST, W * 0.13), 200);
		}
		// What is left over of the width beside a picture of 16:9 is theirs.
		const strip = columns * width + (columns - 1) * GAP;
		const part = turn(rest, fits(), page, stable);
		fill(rects, large, PAD, PAD, W - strip - GAP, H);
		const rows = Math.ceil(part.keys.length / columns), height = width / RATIO;
		const top = PAD + Math.max(0, (H - rows * height - (rows - 1) * GAP) / 2);
		part.keys.forEach((key, i) => rects.set(key,
			[PAD + W - strip + (i % columns) * (width + GAP), top + Math.floor(i / columns) * (height + GAP), width, height]));
		return {rects, large: large.length, page: part.page, pages: part.pages};
	}
	const height = Math.min(Math.max(LEAST / RATIO, H * 0.22), 130, H / 3), width = height * RATIO;
	const part = turn(rest, Math.max(1, Math.floor((W + GAP) / (width + GAP))), page, stable);
	fill(rects, large, PAD, PAD, W, H - height - GAP);
	const left = PAD + (W - part.keys.length * width - (part.keys.length - 1) * GAP) / 2;
	part.keys.forEach((key, i) => rects.set(key, [left + i * (width + GAP), PAD + H - height, width, height]));
	return {rects, large: large.length, page: part.page, pages: part.pages};
}
