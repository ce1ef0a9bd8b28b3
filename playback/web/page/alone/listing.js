/**
 * Listings of S3, ListObjectsV2 with encoding-type=url. A worker has no parser of XML,
 * and little of it is needed: names are escaped, so no text in it has markup.
 *
 * @typedef {{ objects: { key: string, size: number }[], next: string }} Page next continues
 *     the listing, "" where that was all
 */

/**
 * readListing reads a page of a listing; null if it is none.
 * @param {string} xml
 * @returns {Page|null}
 */
export function readListing(xml) {
	if (!/<ListBucketResult[ >]/.test(xml) || text(xml, "EncodingType") !== "url") return null;
	const objects = [];
	for (const [, one] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
		const key = unescape(text(one, "Key")), size = text(one, "Size");
		if (!key || !/^[0-9]{1,15}$/.test(size ?? "")) return null;
		objects.push({ key, size: Number(size) });
	}
	const truncated = text(xml, "IsTruncated"), next = text(xml, "NextContinuationToken") ?? "";
	if (truncated !== "true" && truncated !== "false" || truncated === "true" && !next) return null;
	return { objects, next: truncated === "true" ? entities(next) : "" };
}

/**
 * text is what stands in the first element of a name, null if there is none.
 * @param {string} xml
 * @param {string} name
 */
function text(xml, name) {
	return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;
}

/** @param {string|null} s */
function unescape(s) {
	try {
		return s && decodeURIComponent(s.replaceAll("+", " "));
	} catch {
		return null;
	}
}

/** @param {string} s */
function entities(s) {
	const named = /** @type {Record<string, string>} */ ({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#34": '"', "#39": "'" });
	return s.replace(/&([a-z]+|#[0-9]+);/g, (whole, name) => named[name] ?? whole);
}
