// Where tiles go: rectangles [x, y, width, height] by key. No DOM here.

const GAP = 8, PAD = 8, RATIO = 16 / 9;
const PAGER = 38; // how high the pager is
const LEAST = 112; // the narrowest tile on which a name can be read

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

// paged lays out with(height) and, if that takes more than one page, again with
// room for the pager, whose middle comes back as its place.
function paged(height, lay) {
	let {part, x, y} = lay(height);
	if (part.pages < 2) return {page: part.page, pages: part.pages};
	({part, x, y} = lay(height - PAGER));
	return {page: part.page, pages: part.pages, pager: [x, y]};
}

// grid gives all tiles the same size. keys are in the order of pages, stable
// orders those of one page.
export function grid(keys, w, h, page, stable) {
	const rects = new Map();
	const W = w - 2 * PAD;
	const turned = paged(h - 2 * PAD, (H) => {
		rects.clear();
		const part = turn(keys, capacity(keys.length, W, H), page, stable);
		fill(rects, part.keys, PAD, PAD, W, H);
		return {part, x: w / 2, y: PAD + H + GAP / 2};
	});
	return {rects, large: 0, ...turned};
}

// focus gives large tiles most of the room, and the rest a strip beside or below.
export function focus(large, rest, w, h, page, stable) {
	const rects = new Map();
	const W = w - 2 * PAD, H = h - 2 * PAD;
	if (rest.length === 0) {
		fill(rects, large, PAD, PAD, W, H);
		return {rects, large: large.length, page: 0, pages: 1};
	}
	const turned = W > 1.35 * H ?
		paged(H, (high) => beside(rects, large, rest, W, H, high, page, stable)) :
		paged(H, (high) => below(rects, large, rest, W, high, page, stable));
	return {rects, large: large.length, ...turned};
}

// beside puts the strip on the right: one column, two where there are many.
function beside(rects, large, rest, W, H, high, page, stable) {
	rects.clear();
	let width = Math.min(Math.max(LEAST, W * 0.19), 260, W / 3), columns = 1;
	const fits = () => Math.max(1, Math.floor((high + GAP) / (width / RATIO + GAP))) * columns;
	if (fits() < rest.length && W > 720) {
		columns = 2;
		width = Math.min(Math.max(LEAST, W * 0.13), 200);
	}
	const strip = columns * width + (columns - 1) * GAP, height = width / RATIO;
	const part = turn(rest, fits(), page, stable);
	fill(rects, large, PAD, PAD, W - strip - GAP, H);
	const rows = Math.ceil(part.keys.length / columns);
	const tall = rows * height + (rows - 1) * GAP, top = PAD + Math.max(0, (high - tall) / 2), left = PAD + W - strip;
	part.keys.forEach((key, i) => rects.set(key, [left + (i % columns) * (width + GAP), top + Math.floor(i / columns) * (height + GAP), width, height]));
	return {part, x: left + strip / 2, y: top + tall + GAP / 2};
}

// below puts the strip under the large tiles, in one row.
function below(rects, large, rest, W, H, page, stable) {
	rects.clear();
	const height = Math.min(Math.max(LEAST / RATIO, H * 0.22), 130, H / 3), width = height * RATIO;
	const part = turn(rest, Math.max(1, Math.floor((W + GAP) / (width + GAP))), page, stable);
	fill(rects, large, PAD, PAD, W, H - height - GAP);
	const left = PAD + (W - part.keys.length * width - (part.keys.length - 1) * GAP) / 2;
	part.keys.forEach((key, i) => rects.set(key, [left + i * (width + GAP), PAD + H - height, width, height]));
	return {part, x: PAD + W / 2, y: PAD + H + GAP / 2};
}
