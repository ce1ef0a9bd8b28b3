import { Card } from "./keys_web.js";

/**
 * The most cards that are looked at in a folder, of members and of recorders, the most
 * recorders that are taken, and the most bytes of a card.
 */
const mostLooked = 256, most = 8, largest = 64 << 10;

/**
 * signersIn returns who recorded what is in a folder, as cards in it say. It is the word of
 * whoever made the folder: such a recorder is claimed, as one whom a link names.
 * @param {import("./folder.js").Picked[]} picked
 * @returns {Promise<import("./recorders.js").Signer[]>}
 */
export async function signersIn(picked) {
	/** @type {import("./recorders.js").Signer[]} */
	const found = [];
	for (const { file } of picked.filter(({ path, file }) => path.endsWith(".card") && file.size <= largest).slice(0, mostLooked)) {
		if (found.length === most) break;
		try {
			const card = await Card.parse(await file.text());
			if (card.role === "recorder") found.push({ key: card.key, name: "", words: card.fingerprint, verified: false, by: "folder" });
		} catch {
			// It is no card.
		}
	}
	return found;
}
