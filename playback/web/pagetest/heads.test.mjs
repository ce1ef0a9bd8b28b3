import assert from "node:assert/strict";
import { test } from "node:test";
import { Heads } from "../page/alone/heads.js";
import { Drawer } from "../page/alone/keys_web.js";

const id = "01JD3Q8ZC5ABCDEFGHJKMNPQR0", other = "01JD3Q8ZC5ABCDEFGHJKMNPQR4";
const head = (size, state = "open", of = id) => `sealtape.v1/${of}\n${size}\n${"A".repeat(43)}=\nstate: ${state}\n`;

test("the largest head stays, for all tabs", async () => {
	const shelf = new Drawer(), one = new Heads("own", shelf), two = new Heads("own", shelf);
	assert.equal(await one.load(id), null);
	assert.equal(await one.replace(id, null, head(5)), true);
	assert.equal(await two.load(id), head(5));
	assert.equal(await two.replace(id, null, head(6)), false, "another tab had saved one meanwhile");
	assert.equal(await two.replace(id, head(4), head(6)), false);
	assert.equal(await two.replace(id, head(5), head(6)), true);
	assert.equal(await one.replace(id, head(5), head(7)), false);
	assert.equal(await one.load(id), head(6));
	assert.equal(await one.load(other), null);
	// Of two at once, one is first.
	const both = await Promise.all([one.replace(id, head(6), head(7)), two.replace(id, head(6), head(8))]);
	assert.deepEqual(both, [true, false]);
});

test("no head goes back", async () => {
	const heads = new Heads("own", new Drawer());
	await heads.replace(id, null, head(5));
	await assert.rejects(heads.replace(id, head(5), head(4)), /goes back/);
	await heads.replace(id, head(5), head(6, "closed"));
	await assert.rejects(heads.replace(id, head(6, "closed"), head(7)), /goes back/);
	assert.equal(await heads.replace(id, head(6, "closed"), head(6, "closed")), true);
	assert.equal(await heads.load(id), head(6, "closed"));
});

test("what is no head of the recording is not saved", async () => {
	const heads = new Heads("own", new Drawer());
	for (const bad of ["", "x", head(5, "open", other), head(0), head(5, "over"), head(5) + "\n", head(5).replace("v1", "v2")]) {
		await assert.rejects(heads.replace(id, null, bad), /not a head/, bad);
	}
	assert.equal(await heads.load(id), null);
});

test("what is not the reader's own place remembers nothing for others", async () => {
	const shelf = new Drawer();
	for (const place of ["file", "store", "bucket"]) {
		const heads = new Heads(place, shelf);
		assert.equal(await heads.replace(id, null, head(5)), true);
		assert.equal(await heads.load(id), head(5), "as long as the page is there");
	}
	assert.equal(await new Heads("own", shelf).load(id), null);
});
