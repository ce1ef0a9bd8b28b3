/**
 * Tables of presigned URLs, as archive/link of the source describes them.
 */

const header = "sealtape.v1/presigned", maxTable = (1 << 20) - (64 << 10);

/**
 * readTable returns what is appended to the URL of each object of a recording, by its name
 * in the recording's folder; null if the text is no table of it.
 * @param {string} text
 * @param {string} recording ID
 * @returns {Map<string, string>|null}
 */
export function readTable(text, recording) {
	const lines = text.split("\n"), [first, named, common, ...objects] = lines;
	if (text.length > maxTable || first !== header || named !== "recording: " + recording || !common?.startsWith("query: ") || objects.pop() !== "") return null;
	const query = common.slice("query: ".length), all = new Map();
	let last = "";
	for (const line of objects) {
		const [, name, end] = /^([A-Za-z0-9-][A-Za-z0-9./-]*) ([A-Za-z0-9._~!$'()*+,;:@/?&=%-]+)$/.exec(line) ?? [];
		if (name === undefined || name <= last) return null;
		all.set(name, query + end);
		last = name;
	}
	return all.size > 0 && /^[A-Za-z0-9._~!$'()*+,;:@/?&=%-]+$/.test(query) ? all : null;
}

/**
 * validShareOf reports whether a share of this name has this SHA-256: its name is the
 * first half of it, in Crockford's base32.
 * @param {Uint8Array} digest
 * @param {string} share
 */
export function validShareOf(digest, share) {
	let n = 0n;
	for (const byte of digest.subarray(0, 16)) n = n << 8n | BigInt(byte);
	n <<= 2n;
	let name = "";
	for (let i = 0; i < 26; i++, n >>= 5n) name = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number(n & 31n)] + name;
	return name === share;
}
