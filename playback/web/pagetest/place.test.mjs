import assert from "node:assert/strict";
import test from "node:test";
import { keepsKeys, placeOf, takesKeys } from "../page/alone/place.js";

test("where a page is from, and what it may do with keys there", () => {
	for (const [page, store, place] of [
		["https://tapes.example.org/", "https://s3.example.org/meetings", "own"],
		["https://tapes.example.org/", undefined, "own"],
		["https://meet.example.org/recordings/", "https://meetings.s3.eu-central-1.amazonaws.com", "own"],
		["http://127.0.0.1:8080/", "http://127.0.0.1:9000/meetings", "own"],
		["file:///home/ada/sealtape-player.html", "https://s3.example.org/meetings", "file"],
		["https://files.example.org/meetings/player/", "https://files.example.org/meetings", "store"],
		["https://files.example.org:8443/player/", "https://files.example.org:8443/meetings", "store"],
		// Path-style: all customers of a service share one origin.
		["https://s3.example.org/tapes/index.html", "https://other.example.org/meetings", "bucket"],
		["https://s3.eu-central-1.amazonaws.com/tapes/index.html", "https://d1.example.org", "bucket"],
		["https://s3-website.eu-central-1.amazonaws.com/", undefined, "bucket"],
		// Its own origin, and yet the provider's.
		["https://tapes.s3.amazonaws.com/index.html", "https://meetings.s3.amazonaws.com", "bucket"],
		["https://storage.googleapis.com/tapes/index.html", undefined, "bucket"],
		["https://tapes.fra1.digitaloceanspaces.com/", undefined, "bucket"],
		["https://account.blob.core.windows.net/tapes/", undefined, "bucket"],
	]) {
		const got = placeOf(new URL(page), store);
		assert.equal(got, place, page);
		assert.equal(takesKeys(got), place === "own" || place === "file", page);
		assert.equal(keepsKeys(got), place === "own", page);
	}
});
