/** A worker that makes a copy, so that the page does not stand still meanwhile. */
import { keep } from "./keep.js";
import { FolderPlace, note } from "./kept.js";
import { parse } from "./link.js";
import { FetchStore, StoreError } from "./store.js";

/**
 * @typedef {{ invitation: string, told: string, folder: FileSystemDirectoryHandle|null }} Order
 *     told is the invitation as it may be kept; folder is where to, null for the browser
 *
 * @typedef {{ progress?: import("./keep.js").Progress, done?: boolean, failed?: string }} Report
 *     failed is a StoreError's kind, "full" if there is no room, or "denied"
 */

onmessage = async ({ data }) => {
	/** @type {Order} */
	const { invitation, told, folder } = data;
	/** @type {(report: Report) => void} */
	const report = (message) => postMessage(message);
	try {
		const i = parse(invitation), place = folder ? new FolderPlace(folder) : await FolderPlace.inBrowser();
		const about = { id: i.recording, invitation: told, bytes: 0, whole: false, at: new Date().toISOString() };
		if (!folder) await note(about);
		const end = await keep(new FetchStore(i), i.recording, place, { share: i.share, tell: (progress) => report({ progress }) });
		if (!folder) await note({ ...about, bytes: end.bytes, whole: end.left === 0 });
		report({ done: true, progress: end });
	} catch (err) {
		report({ failed: err instanceof StoreError ? err.kind : reason(err) });
	}
};

/** @param {unknown} err */
function reason(err) {
	const name = err instanceof DOMException ? err.name : "";
	return name === "QuotaExceededError" ? "full" : name === "NotAllowedError" ? "denied" : "away";
}
