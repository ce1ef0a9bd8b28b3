/**
 * Where the page was loaded from: whoever serves it could serve another one, which takes
 * the keys that are entered in it.
 *
 * @typedef {"own"|"file"|"store"|"bucket"} Place
 *     own: an origin that has nothing to do with the store; file: the reader's disk;
 *     store: the origin of the store itself; bucket: a service that keeps objects for
 *     many customers, who may share one origin there
 */

/** Hosts of services that keep objects, and hosts that are named like one. */
const bucketHosts = [
	/^s3([.-]|$)/, /^minio\./, /\.s3[.-]/,
	/(^|\.)amazonaws\.com(\.cn)?$/, /(^|\.)storage\.googleapis\.com$/, /^storage\.cloud\.google\.com$/,
	/\.core\.windows\.net$/, /\.cloudflarestorage\.com$/, /\.r2\.dev$/, /(^|\.)backblazeb2\.com$/,
	/\.digitaloceanspaces\.com$/, /(^|\.)wasabisys\.com$/, /\.linodeobjects\.com$/, /\.scw\.cloud$/,
	/\.your-objectstorage\.com$/, /\.aliyuncs\.com$/, /\.myqcloud\.com$/,
];

/**
 * placeOf tells where a page is from.
 * @param {{ protocol: string, origin: string, hostname: string }} page its address
 * @param {string} [store] the address of the store that it reads, if that is known
 * @returns {Place}
 */
export function placeOf(page, store) {
	if (page.protocol === "file:") return "file";
	if (store && URL.canParse(store) && new URL(store).origin === page.origin) return "store";
	return bucketHosts.some((host) => host.test(page.hostname)) ? "bucket" : "own";
}

/**
 * takesKeys reports whether a reader may enter a key of theirs in a page of that place:
 * who keeps the sealed objects must not be who serves the page.
 * @param {Place} place
 */
export function takesKeys(place) {
	return place === "own" || place === "file";
}

/**
 * keepsKeys reports whether the browser may keep something for such a page. All files of
 * a disk are one origin: another one would see it.
 * @param {Place} place
 */
export function keepsKeys(place) {
	return place === "own";
}
