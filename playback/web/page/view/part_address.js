/** What this tab keeps for the page of the next part: its ID, for it is to play by itself. */
const key = "sealtape.goesOn";

/** @param {string} id of what the next page of this tab is to play by itself */
export function leave(id) {
	try {
		sessionStorage.setItem(key, id);
	} catch {
		// then it waits for a click
	}
}

/** take returns what the last page left. */
export function take() {
	try {
		const id = sessionStorage.getItem(key);
		sessionStorage.removeItem(key);
		return id;
	} catch {
		return null;
	}
}
