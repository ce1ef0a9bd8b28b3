/**
 * Signatures of S3 (AWS Signature Version 4) in the query of a URL. In a header they
 * would cost a question to the server, a preflight, before each request.
 *
 * @typedef {import("./link.js").Credentials} Credentials
 */

const utf8 = new TextEncoder();

/** A Signer signs requests with the credentials of a session. */
export class Signer {
	#credentials;
	/** @type {{ day: string, key: Promise<CryptoKey> }} the key of one day, which many requests share */
	#today = { day: "", key: new Promise(() => {}) };

	/** @param {Credentials} credentials */
	constructor(credentials) {
		this.#credentials = credentials;
	}

	/**
	 * presign returns the URL with a signature that lets anybody GET it.
	 * @param {string} url https://HOST/PATH, with the path in its one form and without a query
	 * @param {Record<string, string>} query what else is asked for
	 * @param {number} at when it is signed, in milliseconds of Unix time
	 * @param {number} seconds how long it holds
	 */
	async presign(url, query, at, seconds) {
		const { region, accessKey, token } = this.#credentials, [, host, path] = /^https?:\/\/([^/]+)(.*)$/.exec(url) ?? [];
		const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, ""), day = time.slice(0, 8), scope = `${day}/${region}/s3/aws4_request`;
		const given = {
			...query,
			"X-Amz-Algorithm": "AWS4-HMAC-SHA256",
			"X-Amz-Credential": `${accessKey}/${scope}`,
			"X-Amz-Date": time,
			"X-Amz-Expires": String(seconds),
			...(token ? { "X-Amz-Security-Token": token } : {}),
			"X-Amz-SignedHeaders": "host",
		};
		const asked = Object.entries(given).map(([name, value]) => `${escape(name)}=${escape(value)}`).sort().join("&");
		const request = ["GET", path || "/", asked, `host:${host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
		const text = ["AWS4-HMAC-SHA256", time, scope, hex(await crypto.subtle.digest("SHA-256", utf8.encode(request)))].join("\n");
		return `${url}?${asked}&X-Amz-Signature=${hex(await hmac(await this.#key(day), text))}`;
	}

	/** @param {string} day */
	#key(day) {
		if (this.#today.day !== day) this.#today = { day, key: this.#derive(day) };
		return this.#today.key;
	}

	/** @param {string} day */
	async #derive(day) {
		let key = await imported(utf8.encode("AWS4" + this.#credentials.secretKey));
		for (const part of [day, this.#credentials.region, "s3", "aws4_request"]) key = await imported(await hmac(key, part));
		return key;
	}
}

/** @param {BufferSource} raw */
function imported(raw) {
	return crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/**
 * @param {CryptoKey} key
 * @param {string} text
 */
function hmac(key, text) {
	return crypto.subtle.sign("HMAC", key, utf8.encode(text));
}

/** @param {ArrayBuffer} b */
function hex(b) {
	return Array.from(new Uint8Array(b), (x) => x.toString(16).padStart(2, "0")).join("");
}

/** @param {string} s */
function escape(s) {
	return encodeURIComponent(s).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}
