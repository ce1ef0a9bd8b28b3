/**
 * stored returns a setting of an earlier visit, where the browser keeps them.
 * @param {string} key
 * @param {string} fallback
 */
export function stored(key, fallback) {
	try {
		return localStorage.getItem("sealtape." + key) ?? fallback;
	} catch {
		return fallback;
	}
}

/**
 * store keeps a setting for later visits.
 * @param {string} key
 * @param {string} value
 */
export function store(key, value) {
	try {
		localStorage.setItem("sealtape." + key, value);
	} catch {
		// then it is forgotten
	}
}
