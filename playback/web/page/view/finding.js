import { parts } from "./language.js";
import { nameNode } from "./words.js";

/** @typedef {import("./language.js").Key} Key */

/** @type {Record<string, Key>} by the finding's code */
const texts = {
	"unseen": "finding.unseen", "foreign": "finding.foreign", "rolled-back": "finding.rolled-back", "damaged": "finding.damaged",
	"signed": "finding.signed", "granted": "finding.granted", "missing": "finding.missing", "objects": "finding.objects",
};

/**
 * finding says what is wrong with a recording as a whole.
 * @param {import("../engine/description.js").Finding} f
 */
export function finding({ code, who, count }) {
	return parts(texts[code] ?? "finding.damaged", { who: nameNode(who, 120), n: count ?? 0 });
}
